package dev.lte.core.contract;

import dev.lte.backend.Activation;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.Tensor;
import dev.lte.backend.TopKSpec;
import dev.lte.backend.TrainingKernels;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Neurons under the scores of their experts, and the scores. */
interface TrainingFfnContract extends TrainingContract {
    @Test
    default void activatesAndDifferentiatesNeuronsUnderEveryGating() {
        List<Gating> gatings = List.of(Gating.NONE, Gating.SOFT, Gating.hard(0.5f), Gating.straightThrough(0.4f));
        int number = 0;
        for (DType dtype : trainingTypes()) {
            for (Activation activation : Activation.values()) {
                for (Gating gating : gatings) {
                    for (boolean gated : new boolean[] {true, false}) {
                        for (int expertSize : new int[] {1, 3, 32, 50}) {
                            int rows = ROWS.get(number++ % ROWS.size());
                            activation(dtype, activation, gating, gated, rows, 1 + number % 4, expertSize);
                        }
                    }
                }
            }
        }
    }

    /** Saturated and extreme inputs, where a careless formula makes infinity times zero. */
    @Test
    default void differentiatesExtremeValues() {
        float[] extremes = {0, 1e-20f, -1e-20f, 5, -5, 12, -12, 40, -40, 90, -90, 1e4f, -1e4f, 1e-3f, -1e-3f, 1};
        for (DType dtype : trainingTypes()) {
            for (Activation activation : Activation.values()) {
                rig().compare("extremes of " + activation + ", " + dtype, 251, side -> {
                    Tensor up = side.input(dtype, extremes, 1, 16);
                    Tensor dhidden = side.input(dtype, Values.normal(side.random(), 16), 1, 16);
                    Bound bound = TrainingContract.stored(dtype, Bound.of(1e-5, 2e-5));
                    Output hidden =
                            side.changing("hidden", dtype, new float[16], 1, 16).within(bound);
                    Output dup =
                            side.changing("dup", dtype, new float[16], 1, 16).within(bound);
                    side.training().ffnActivation(hidden.tensor(), null, up, null, activation, Gating.NONE);
                    side.training()
                            .ffnActivationBackward(
                                    null, dup.tensor(), null, dhidden, null, up, null, activation, Gating.NONE);
                });
            }
        }
    }

    /** Of backends that have this baseline. */
    @Test
    default void scoresAndDifferentiatesNoisyTopKExperts() {
        TrainingKernels offered = rig().queue().training();
        if (offered == null || !offered.supportsTopKScores()) {
            return;
        }
        for (DType dtype : trainingTypes()) {
            for (int rows : ROWS) {
                for (int experts : SIZES) {
                    topK(dtype, rows, experts, new TopKSpec(1 + experts / 3, rows % 2 == 0 ? 0 : 0.3f));
                }
            }
        }
    }

    private void topK(DType dtype, int rows, int experts, TopKSpec spec) {
        rig().compare(spec + " of " + experts + " experts, " + dtype + ", T " + rows, 259, side -> {
            float[] values = Values.normal(side.random(), rows * experts);
            values[values.length - 1] = values[0]; // Equal ones, of which the first is taken.
            Tensor logits = side.input(values, rows, experts);
            Bound bound = Bound.of(1e-6, 2e-5);
            Output scores = side.output("scores", rows, experts).within(bound);
            side.training().topKScores(scores.tensor(), logits, spec, 41);
            Output inPlace =
                    side.changing("logits", DType.F32, values, rows, experts).within(bound);
            side.training().topKScores(inPlace.tensor(), inPlace.tensor(), spec, 41);
            float[] slopes = Values.normal(side.random(), rows * experts);
            Tensor dscores = side.input(slopes, rows, experts);
            Output dlogits = side.changing("dlogits", dtype, slopes, rows, experts)
                    .within(TrainingContract.stored(dtype, Bound.of(1e-5, 4e-5)));
            side.training().topKScoresBackward(dlogits.tensor(), dscores, scores.tensor(), spec.k());
        });
    }

    @Test
    default void scoresAndDifferentiatesExperts() {
        for (DType dtype : trainingTypes()) {
            for (int rows : ROWS) {
                for (int experts : SIZES) {
                    rig().compare("scores of " + experts + " experts, " + dtype + ", T " + rows, 257, side -> {
                        Tensor x = side.input(dtype, Values.normal(side.random(), rows * 40), rows, 40);
                        Tensor router = side.input(dtype, Values.normal(side.random(), experts * 40), experts, 40);
                        Output scores = side.output("scores", rows, experts).within(Bound.of(2e-5, 2e-5));
                        side.training().routerScores(scores.tensor(), x, router);
                        float[] given = new float[rows * experts];
                        for (int i = 0; i < given.length; i++) {
                            given[i] = side.random().nextFloat();
                        }
                        Tensor exact = side.input(given, rows, experts);
                        float[] dscores = Values.normal(side.random(), rows * experts);
                        Bound bound = Bound.of(1e-9, Bound.FEW);
                        Output dlogits = side.changing("dlogits", dtype, dscores, rows, experts)
                                .within(TrainingContract.stored(dtype, bound));
                        side.training()
                                .routerScoresBackward(dlogits.tensor(), side.input(dscores, rows, experts), exact);
                        Output same = side.changing("dscores", DType.F32, dscores, rows, experts)
                                .within(bound);
                        side.training().routerScoresBackward(same.tensor(), same.tensor(), exact);
                    });
                }
            }
        }
    }

    private void activation(
            DType dtype, Activation activation, Gating gating, boolean gated, int rows, int experts, int expertSize) {
        String what = activation + (gated ? " gated, " : ", ") + gating + ", " + dtype + ", T " + rows + ", " + experts
                + " x " + expertSize;
        rig().compare(what, 263, side -> {
            int neurons = experts * expertSize;
            int count = rows * neurons;
            float[] ups = Values.outliers(side.random(), count);
            float[] gates = Values.normal(side.random(), count);
            Tensor up = side.input(dtype, ups, rows, neurons);
            Tensor gate = gated ? side.input(dtype, gates, rows, neurons) : null;
            boolean scored = gating.mode() != Gating.Mode.NONE;
            float[] given = new float[rows * experts];
            for (int i = 0; i < given.length; i++) {
                given[i] = side.random().nextInt(11) / 10f;
            }
            Tensor scores = scored ? side.input(given, rows, experts) : null;
            Tensor dhidden = side.input(dtype, Values.normal(side.random(), count), rows, neurons);
            boolean toScores = scored && gating.mode() != Gating.Mode.HARD && rows % 2 == 1;
            // Formulas lose a few roundings of their terms, which are no larger than the neuron's inputs.
            Bound bound = TrainingContract.stored(
                    dtype,
                    (row, column, expected) ->
                            Bound.FEW * (1 + Math.abs(expected) + 4 * Math.abs(ups[row * neurons + column])));
            Output hidden = side.changing("hidden", dtype, ups, rows, neurons).within(bound);
            Output dup = side.changing("dup", dtype, gates, rows, neurons).within(bound);
            Output dgate = side.changing("dgate", dtype, gates, rows, neurons).within(bound);
            Output dscores = side.changing("dscores", DType.F32, given, rows, experts)
                    .within(TrainingContract.sums(expertSize, 60));
            side.training().ffnActivation(hidden.tensor(), gate, up, scores, activation, gating);
            side.training()
                    .ffnActivationBackward(
                            gated ? dgate.tensor() : null,
                            dup.tensor(),
                            toScores ? dscores.tensor() : null,
                            dhidden,
                            gate,
                            up,
                            scores,
                            activation,
                            gating);
            // In place: gradients take the place of what they are the gradients of.
            Output upHere = side.changing("up", dtype, ups, rows, neurons).within(bound);
            Output gateHere = side.changing("gate", dtype, gates, rows, neurons).within(bound);
            side.training()
                    .ffnActivationBackward(
                            gated ? gateHere.tensor() : null,
                            upHere.tensor(),
                            null,
                            dhidden,
                            gated ? gateHere.tensor() : null,
                            upHere.tensor(),
                            scores,
                            activation,
                            gating);
        });
    }
}
