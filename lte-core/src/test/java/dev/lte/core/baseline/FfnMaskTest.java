package dev.lte.core.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.PostHocRouting;
import dev.lte.PostHocRouting.Method;
import dev.lte.core.eval.Likelihood;
import dev.lte.core.eval.ScoredSequence;
import dev.lte.core.sparse.Grouping;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Baselines on a real small model (5 layers, F 172, which 4 and 43 divide). */
class FfnMaskTest {
    private static final String STORY =
            "Once upon a time, there was a little girl named Lily. She loved to play outside in"
                    + " the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high. ";

    @TempDir
    private Path folder;

    private static List<ScoredSequence> sequences(ObservedModel model) {
        int[] ids = model.source.tokenizer().encode(STORY);
        List<ScoredSequence> sequences = new ArrayList<>();
        sequences.add(new ScoredSequence(ids, 1, STORY.length()));
        return sequences;
    }

    @Test
    void observingChangesNothing() {
        try (ObservedModel model = new ObservedModel("stories260K/stories260K.bin");
                Observation observation =
                        new Observation(model.source, model.backend, model.transformer, ObservedModel.CONTEXT)) {
            int[] visits = new int[5];
            Likelihood observed = observation.run(
                    sequences(model), activations -> visits[activations.layer()] += activations.rows(), done -> {});
            double dense = model.likelihood(model.transformer, sequences(model)).nats();
            // Hidden activations are rounded to float on their way through the host.
            assertThat(observed.nats()).isCloseTo(dense, within(1e-4 * dense));
            assertThat(visits).containsOnly(sequences(model).getFirst().ids().length);
        }
    }

    @Test
    void everyBaselineKeepsWhatItWasToldAndLosesMoreTheMoreItLeavesOut() throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), STORY.repeat(6));
        try (ObservedModel model = new ObservedModel("stories260K/stories260K.bin")) {
            double dense = model.likelihood(model.transformer, sequences(model)).natsPerToken();
            for (Method method : Method.values()) {
                double slightly = loss(model, new PostHocRouting(method, 0.1, 4, text));
                double mostly = loss(model, new PostHocRouting(method, 0.9, 4, text));
                assertThat(slightly).as("%s", method).isGreaterThan(dense - 0.1).isLessThan(mostly);
                assertThat(mostly).as("%s", method).isGreaterThan(dense + 0.1);
            }
        }
    }

    private static double loss(ObservedModel model, PostHocRouting routing) {
        try (Baseline baseline = new Baseline(
                routing, model.source, model.backend, model.transformer, ObservedModel.CONTEXT, progress -> {})) {
            double loss =
                    model.likelihood(baseline.transformer(), sequences(model)).natsPerToken();
            // Thresholds are met on calibration text on average, counts for every token; 43 experts of 4 in steps of 2
            // %.
            double slack = routing.method() == Method.MAGNITUDE ? 0.05 : 0.012;
            assertThat(baseline.sparsity().mean()).as("%s", routing).isCloseTo(routing.sparsity(), within(slack));
            double full = 64.0 * 172 * 3;
            double predictor = switch (routing.method()) {
                case LARGEST_ACTIVATIONS, LARGEST_EXPERTS -> 0;
                case MOEFICATION, NOISY_TOP_K -> 64 * 43;
                case DEJA_VU -> 8 * (64 + 172);
                case MAGNITUDE -> 0;
            };
            double share = routing.method() == Method.MAGNITUDE ? 1 - 0.5 * 2 / 3 : 0.5;
            assertThat(baseline.work(0.5)).isCloseTo(full * share + predictor, within(1e-6 * full));
            return loss;
        }
    }

    @Test
    void lengthsOfWhatExpertsAddAreThoseOfTheirOutputs() {
        int model = 7;
        int ffn = 12;
        SplittableRandom random = new SplittableRandom(5);
        float[] down = new float[model * ffn];
        for (int i = 0; i < down.length; i++) {
            down[i] = (float) random.nextGaussian();
        }
        float[] hidden = new float[2 * ffn];
        for (int i = 0; i < hidden.length; i++) {
            hidden[i] = (float) random.nextGaussian();
        }
        var grouping = Grouping.random(ffn, 4, 3);
        float[] norms = new ExpertNorms(grouping, down, model).of(hidden, 1);
        for (int n = 0; n < 3; n++) {
            double square = 0;
            for (int d = 0; d < model; d++) {
                double sum = 0;
                for (int f = 0; f < ffn; f++) {
                    sum += grouping.expertOf(f) == n ? down[d * ffn + f] * hidden[ffn + f] : 0;
                }
                square += sum * sum;
            }
            assertThat((double) norms[n]).isCloseTo(Math.sqrt(square), within(1e-5 * Math.sqrt(square)));
        }
    }

    @Test
    void slopesOfNoisyRoutersAreThoseOfTheLoss() {
        SplittableRandom random = new SplittableRandom(11);
        for (int trial = 0; trial < 20; trial++) {
            float[] logits = new float[6];
            float[] lengths = new float[6];
            for (int n = 0; n < 6; n++) {
                logits[n] = (float) random.nextGaussian();
                lengths[n] = (float) Math.exp(random.nextGaussian());
            }
            double[] slope = NoisyTopK.slope(logits, lengths, 3);
            for (int n = 0; n < 6; n++) {
                float step = 1e-3f;
                float[] up = logits.clone();
                float[] down = logits.clone();
                up[n] += step;
                down[n] -= step;
                boolean same = Arrays.equals(chosen(up), chosen(down));
                if (same) {
                    double numeric = (loss(up, lengths) - loss(down, lengths)) / ((double) up[n] - down[n]);
                    // Scales are floats: 1e-7 over a step of 1e-3, and the step's own curvature.
                    assertThat(slope[n]).as("trial %d", trial).isCloseTo(numeric, within(2e-3));
                }
            }
        }
    }

    private static boolean[] chosen(float[] logits) {
        boolean[] chosen = new boolean[logits.length];
        float[] scales = NoisyTopK.scales(logits, 3);
        for (int n = 0; n < chosen.length; n++) {
            chosen[n] = scales[n] > 0;
        }
        return chosen;
    }

    private static double loss(float[] logits, float[] lengths) {
        float[] scales = NoisyTopK.scales(logits, 3);
        double sum = 0;
        double total = 0;
        for (int n = 0; n < logits.length; n++) {
            double square = (double) lengths[n] * lengths[n];
            sum += square * (1 - scales[n]) * (1 - scales[n]);
            total += square;
        }
        return sum / total;
    }
}
