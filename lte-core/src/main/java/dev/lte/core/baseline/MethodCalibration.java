package dev.lte.core.baseline;

import dev.lte.PostHocRouting;
import dev.lte.Progress;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.calibrate.ExpertScores;
import dev.lte.core.calibrate.LowRank;
import dev.lte.core.calibrate.MagnitudeHistogram;
import dev.lte.core.calibrate.RouterRegression;
import dev.lte.core.calibrate.RouterSample;
import dev.lte.core.eval.ScoredSequence;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.train.ModelGrouping;
import dev.lte.core.train.WeightValues;
import dev.lte.train.GroupingMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Makes the rules of a {@link PostHocRouting} for a model, from its weights and its activations on calibration text. */
final class MethodCalibration {
    /** Tokens that predictors are fitted to. */
    private static final int SAMPLE = 6_144;

    private static final double RIDGE = 0.01;
    private static final long SEED = 1;

    private final PostHocRouting routing;
    private final Observation observation;
    private final ModelConfig config;
    private final Supplier<List<ScoredSequence>> text;
    private final Consumer<Progress> progress;
    private final List<float[]> predictors = new ArrayList<>();
    private @Nullable List<Grouping> groupings;

    /** @param text asked if the method looks at activations */
    MethodCalibration(
            PostHocRouting routing,
            Observation observation,
            Supplier<List<ScoredSequence>> text,
            Consumer<Progress> progress) {
        this.routing = routing;
        this.observation = observation;
        this.text = text;
        this.progress = progress;
        config = observation.config();
    }

    /** One a layer. */
    List<FfnMask.Rule> rules() {
        return switch (routing.method()) {
            case LARGEST_ACTIVATIONS -> largestActivations();
            case LARGEST_EXPERTS -> largestExperts();
            case MOEFICATION -> moefication();
            case DEJA_VU -> dejaVu();
            case MAGNITUDE -> magnitude();
            case NOISY_TOP_K -> noisyTopK();
        };
    }

    /** (units, D) of each layer, once the rules are made; none where nothing is predicted. */
    List<float[]> predictors() {
        return predictors;
    }

    /** Multiplications of a predictor, for one token of one layer. */
    double predictorWork() {
        int experts = config.ffn() / routing.expertSize();
        return switch (routing.method()) {
            case MOEFICATION, NOISY_TOP_K -> (double) config.model() * experts;
            case DEJA_VU -> (double) rank() * (config.model() + config.ffn());
            // Oracles decide at no cost, which is why they cannot be served.
            case LARGEST_ACTIVATIONS, LARGEST_EXPERTS, MAGNITUDE -> 0;
        };
    }

    private int rank() {
        return Math.max(8, config.model() / 8);
    }

    private int layers() {
        return config.layers().size();
    }

    /** Neurons or experts that stay, at least one. */
    private int kept(int units) {
        return Math.max(1, (int) Math.round(units * (1 - routing.sparsity())));
    }

    private List<FfnMask.Rule> largestActivations() {
        int width = config.ffn();
        UnitScores magnitudes = (activations, row) -> magnitudes(activations.hidden(), row, width);
        FfnMask.Rule rule = new FfnMask.Rule(magnitudes, Selection.greatest(kept(width)), null);
        return IntStream.range(0, layers()).mapToObj(layer -> rule).toList();
    }

    private static float[] magnitudes(float[] values, int row, int width) {
        float[] magnitudes = new float[width];
        for (int f = 0; f < width; f++) {
            magnitudes[f] = Math.abs(values[row * width + f]);
        }
        return magnitudes;
    }

    private List<FfnMask.Rule> largestExperts() {
        List<FfnMask.Rule> rules = new ArrayList<>();
        for (Grouping grouping : groupings()) {
            ExpertScores scores = new ExpertScores(grouping, null);
            rules.add(new FfnMask.Rule(
                    (activations, row) -> scores.of(activations.hiddenOf(row)),
                    Selection.greatest(kept(grouping.experts())),
                    grouping));
        }
        return rules;
    }

    /** Experts of similar weights; one grouping a layer. */
    List<Grouping> groupings() {
        List<Grouping> found = groupings;
        if (found != null) {
            return found;
        }
        progress.accept(new Progress("grouping neurons", 0, layers()));
        found = ModelGrouping.of(
                        WeightValues.of(observation.source()),
                        config,
                        routing.expertSize(),
                        GroupingMethod.K_MEANS,
                        List::of,
                        SEED,
                        Runtime.getRuntime().availableProcessors())
                .groupings();
        groupings = found;
        return found;
    }

    private List<FfnMask.Rule> moefication() {
        List<Grouping> experts = groupings();
        List<ExpertScores> scores = experts.stream()
                .map(grouping -> new ExpertScores(grouping, null))
                .toList();
        int count = experts.getFirst().experts();
        List<RouterSample> samples = sample(
                count, (activations, row) -> scores.get(activations.layer()).of(activations.hiddenOf(row)));
        List<FfnMask.Rule> rules = new ArrayList<>();
        for (int layer = 0; layer < layers(); layer++) {
            RouterSample sample = samples.get(layer);
            float[] router = RouterRegression.fit(sample, threshold(sample), RIDGE);
            predictors.add(router);
            rules.add(new FfnMask.Rule(
                    new LinearScores(router, config.model()), Selection.greatest(kept(count)), experts.get(layer)));
        }
        return rules;
    }

    private List<FfnMask.Rule> noisyTopK() {
        List<Grouping> experts = groupings();
        List<ExpertNorms> norms = new ArrayList<>();
        for (int layer = 0; layer < layers(); layer++) {
            norms.add(ExpertNorms.of(observation.source(), layer, experts.get(layer)));
        }
        int count = experts.getFirst().experts();
        int k = kept(count);
        List<RouterSample> samples = sample(
                count, (activations, row) -> norms.get(activations.layer()).of(activations.hidden(), row));
        List<FfnMask.Rule> rules = new ArrayList<>();
        for (int layer = 0; layer < layers(); layer++) {
            progress.accept(new Progress("learning routers", layer, layers()));
            float[] router = NoisyTopK.learn(samples.get(layer), k, SEED + layer);
            rules.add(new FfnMask.Rule(
                    new LinearScores(router, config.model()),
                    Selection.greatest(k),
                    experts.get(layer),
                    logits -> NoisyTopK.scales(logits, k)));
        }
        return rules;
    }

    private float threshold(RouterSample sample) {
        return Math.max(Float.MIN_NORMAL, sample.threshold(routing.sparsity()));
    }

    private List<FfnMask.Rule> dejaVu() {
        int width = config.ffn();
        List<RouterSample> samples = sample(width, (activations, row) -> magnitudes(activations.hidden(), row, width));
        List<FfnMask.Rule> rules = new ArrayList<>();
        for (int layer = 0; layer < layers(); layer++) {
            progress.accept(new Progress("fitting predictors", layer, layers()));
            RouterSample sample = samples.get(layer);
            float[] full = RouterRegression.fit(sample, threshold(sample), RIDGE);
            float[] predictor = LowRank.of(full, sample, rank(), SEED);
            predictors.add(predictor);
            rules.add(new FfnMask.Rule(
                    new LinearScores(predictor, config.model()), Selection.greatest(kept(width)), null));
        }
        return rules;
    }

    private List<FfnMask.Rule> magnitude() {
        int width = config.ffn();
        UnitScores magnitudes = (activations, row) -> gates(activations, row, width);
        List<MagnitudeHistogram> histograms = IntStream.range(0, layers())
                .mapToObj(layer -> new MagnitudeHistogram())
                .toList();
        calibrate(activations -> {
            MagnitudeHistogram histogram = histograms.get(activations.layer());
            for (int row = 0; row < activations.rows(); row++) {
                histogram.add(magnitudes.of(activations, row));
            }
        });
        return histograms.stream()
                .map(histogram ->
                        new FfnMask.Rule(magnitudes, Selection.above(histogram.threshold(routing.sparsity())), null))
                .toList();
    }

    private List<RouterSample> sample(int units, UnitScores scores) {
        List<RouterSample> samples = IntStream.range(0, layers())
                .mapToObj(layer -> new RouterSample(config.model(), units, SAMPLE, SEED + layer))
                .toList();
        calibrate(activations -> {
            RouterSample sample = samples.get(activations.layer());
            for (int row = 0; row < activations.rows(); row++) {
                sample.add(activations.inputOf(row), scores.of(activations, row));
            }
        });
        return samples;
    }

    private void calibrate(FfnVisitor visitor) {
        List<ScoredSequence> sequences = text.get();
        long tokens = sequences.stream().mapToLong(s -> s.ids().length).sum();
        observation.run(sequences, visitor, done -> progress.accept(new Progress("calibrating", done, tokens)));
    }

    /** (F), what the method of {@link PostHocRouting.Method#MAGNITUDE} looks at: activated gates, or what is there without one. */
    static float[] gates(FfnActivations activations, int row, int width) {
        float[] gate = activations.gate();
        return magnitudes(gate == null ? activations.hidden() : gate, row, width);
    }
}
