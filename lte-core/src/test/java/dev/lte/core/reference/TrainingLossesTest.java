package dev.lte.core.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.AdamWSpec;
import dev.lte.backend.ParameterState;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Losses have the values of their formulas and the gradients that belong to them; the optimiser does what it says. */
class TrainingLossesTest {
    @Test
    void crossEntropyOverTheRowsThatCount() {
        try (GradientCheck check = new GradientCheck(11)) {
            TrainingKernels k = check.kernels();
            Tensor logits = check.values(5, 6);
            Tensor targets = check.integers(3, -1, 0, 5, 6);
            Tensor weights = check.write(new float[] {0.5f, 0.25f, 0.25f, 0, 1}, 5, 1);
            Tensor loss = check.zeros(1, 1);
            Tensor dlogits = check.values(5, 6);
            k.crossEntropy(loss, dlogits, logits, targets, weights);
            float[] x = check.read(logits);
            double expected = 0.5 * surprise(x, 0, 3) + 0.25 * surprise(x, 12, 0);
            assertThat(check.read(loss)[0]).isCloseTo((float) expected, Offset.offset(1e-6f));
            check.addLoss(loss, 1);
            check.check("logits", logits, dlogits, () -> {
                k.fill(loss, 0);
                k.crossEntropy(loss, null, logits, targets, weights);
            });
            k.crossEntropy(loss, logits, logits, targets, weights);
            assertThat(check.read(logits)).as("in place").containsExactly(check.read(dlogits));
        }
    }

    private static double surprise(float[] logits, int start, int target) {
        double sum = 0;
        for (int v = 0; v < 6; v++) {
            sum += Math.exp(logits[start + v]);
        }
        return Math.log(sum) - logits[start + target];
    }

    @Test
    void crossEntropyOfHugeLogitsAndOfIgnoredGarbage() {
        try (GradientCheck check = new GradientCheck(12)) {
            TrainingKernels k = check.kernels();
            Tensor logits = check.write(new float[] {1000, 0, -1000, Float.NaN, 1, Float.NaN}, 2, 3);
            Tensor loss = check.zeros(1, 1);
            k.crossEntropy(loss, logits, logits, check.integers(1, -1), check.write(new float[] {1, 1}, 2, 1));
            assertThat(check.read(loss)[0]).isEqualTo(1000);
            assertThat(check.read(logits)).containsExactly(1, -1, 0, 0, 0, 0);
        }
    }

    @Test
    void distillation() {
        try (GradientCheck check = new GradientCheck(13)) {
            TrainingKernels k = check.kernels();
            Tensor logits = check.values(3, 6);
            Tensor teacher = check.values(3, 6);
            Tensor weights = check.write(new float[] {0.5f, 0, 0.25f}, 3, 1);
            Tensor loss = check.zeros(1, 1);
            Tensor dlogits = check.values(3, 6);
            k.distillation(loss, dlogits, logits, teacher, weights, 2, Write.SET);
            assertThat(check.read(loss)[0]).isPositive();
            Tensor scratch = check.zeros(3, 6);
            check.addLoss(loss, 1);
            check.check("logits", logits, dlogits, () -> {
                k.fill(loss, 0);
                k.distillation(loss, scratch, logits, teacher, weights, 2, Write.SET);
            });
            k.fill(loss, 0);
            k.distillation(loss, scratch, teacher, teacher, weights, 2, Write.SET);
            assertThat(check.read(loss)[0]).as("a student that agrees").isZero();
        }
    }

    @Test
    void routingLosses() {
        for (RoutingLossSpec.Efficiency efficiency : RoutingLossSpec.Efficiency.values()) {
            // A small guard makes 1 / (d^2 + guard) too sharp for differences; its formula is checked by value below.
            for (float guard : new float[] {0.5f, 2}) {
                try (GradientCheck check = new GradientCheck(14)) {
                    TrainingKernels k = check.kernels();
                    RoutingLossSpec spec = new RoutingLossSpec(efficiency, 0.5f, guard);
                    Tensor scores = check.scores(3, 4);
                    Tensor weights = check.write(new float[] {0.75f, 0, 0.25f}, 3, 1);
                    Tensor factors = check.write(new float[] {0.4f, 3}, 1, 2);
                    Tensor losses = check.zeros(1, 3);
                    Tensor dscores = check.zeros(3, 4);
                    k.routingLoss(losses, dscores, scores, weights, factors, spec);
                    check.addLoss(losses, 0.4f, 3, 0);
                    check.check(spec + ", scores", scores, dscores, () -> {
                        k.fill(losses, 0);
                        k.routingLoss(losses, null, scores, weights, null, spec);
                    });
                }
            }
        }
    }

    @Test
    void routingLossesOfKnownScores() {
        try (GradientCheck check = new GradientCheck(15)) {
            TrainingKernels k = check.kernels();
            Tensor scores = check.write(new float[] {0.75f, 0.25f, 0.5f, 0}, 2, 2);
            Tensor weights = check.write(new float[] {0.5f, 0.5f}, 2, 1);
            Tensor losses = check.write(new float[] {10, 20, 30}, 1, 3);
            Tensor dscores = check.write(new float[] {1, 1, 1, 1}, 2, 2);
            Tensor factors = check.write(new float[] {1, 0}, 1, 2);
            RoutingLossSpec spec = new RoutingLossSpec(RoutingLossSpec.Efficiency.SQUARED, 0.5f, 0.0625f);
            k.routingLoss(losses, dscores, scores, weights, factors, spec);
            assertThat(check.read(losses))
                    .containsExactly(10 + (0.5625f + 0.0625f + 0.25f) / 4, 20 + (8 + 8 + 16 + 3.2f) / 4, 30 + 1 / 4f);
            assertThat(check.read(dscores)).containsExactly(1.375f, 1.125f, 1.25f, 1);
            k.fill(dscores, 0);
            k.routingLoss(losses, dscores, scores, weights, check.write(new float[] {0, 1}, 1, 2), spec);
            assertThat(check.read(dscores)).containsExactly(-8, 8, 0, 10.24f / 4);
        }
    }

    @Test
    void routerScoresBackwardMayOverwriteItsInput() {
        try (GradientCheck check = new GradientCheck(16)) {
            Tensor scores = check.scores(2, 3);
            Tensor dscores = check.values(2, 3);
            Tensor dlogits = check.zeros(2, 3);
            check.kernels().routerScoresBackward(dlogits, dscores, scores);
            check.kernels().routerScoresBackward(dscores, dscores, scores);
            assertThat(check.read(dscores)).containsExactly(check.read(dlogits));
        }
    }

    @Test
    void clippingFactorOfTheGlobalNorm() {
        try (GradientCheck check = new GradientCheck(17)) {
            TrainingKernels k = check.kernels();
            Tensor squares = check.zeros(1, 1);
            Tensor factor = check.zeros(1, 1);
            List<Tensor> gradients = List.of(check.write(new float[] {3, 0}, 1, 2), check.write(new float[] {4}, 1, 1));
            k.addSquares(squares, gradients);
            assertThat(check.read(squares)).containsExactly(25);
            k.clipFactor(factor, squares, 2);
            assertThat(check.read(factor)[0]).isCloseTo(0.4f, Offset.offset(1e-6f));
            k.clipFactor(factor, squares, 6);
            assertThat(check.read(factor)).containsExactly(1);
            k.clipFactor(factor, squares, Float.POSITIVE_INFINITY);
            assertThat(check.read(factor)).containsExactly(1);
            k.addSquares(squares, List.of(check.write(new float[] {Float.NEGATIVE_INFINITY}, 1, 1)));
            k.clipFactor(factor, squares, 2);
            assertThat(check.read(factor)).containsExactly(Float.NaN);
        }
    }

    /** Two steps, the second with weight decay and clipping, computed by hand from the algorithm. */
    @Test
    void stepsOfAdamW() {
        try (GradientCheck check = new GradientCheck(18)) {
            TrainingKernels k = check.kernels();
            Tensor master = check.write(new float[] {1, -2}, 1, 2);
            Tensor gradient = check.write(new float[] {0.5f, -4}, 1, 2);
            Tensor mean = check.zeros(1, 2);
            Tensor square = check.zeros(1, 2);
            Tensor factor = check.write(new float[] {1}, 1, 1);
            Tensor settings = check.write(new float[] {0.1f, (float) (1 / 0.1), (float) (1 / 0.01)}, 1, 3);
            List<ParameterState> states = List.of(new ParameterState(master, null, gradient, mean, square));
            k.adamW(states, factor, settings, new AdamWSpec(0.9f, 0.99f, 0, 0));
            // The first step of Adam is the rate times the sign.
            assertThat(check.read(master)).containsExactly(new float[] {0.9f, -1.9f}, Offset.offset(2e-6f));
            assertThat(check.read(mean)).containsExactly(new float[] {0.05f, -0.4f}, Offset.offset(1e-6f));
            assertThat(check.read(square)).containsExactly(new float[] {0.0025f, 0.16f}, Offset.offset(1e-6f));
            check.queue().write(factor, new float[] {0.5f});
            check.queue().write(settings, new float[] {0.1f, (float) (1 / 0.19), (float) (1 / 0.0199)});
            k.adamW(states, factor, settings, new AdamWSpec(0.9f, 0.99f, 1e-3f, 0.2f));
            double m = 0.9 * 0.05 + 0.1 * 0.25;
            double v = 0.99 * 0.0025 + 0.01 * 0.0625;
            double expected = 0.9 * (1 - 0.1 * 0.2) - 0.1 * (m / 0.19) / (Math.sqrt(v / 0.0199) + 1e-3);
            assertThat(check.read(master)[0]).isCloseTo((float) expected, Offset.offset(2e-6f));
        }
    }

    @Test
    void gradientsThatAreNotFiniteChangeNothing() {
        try (GradientCheck check = new GradientCheck(19)) {
            TrainingKernels k = check.kernels();
            Tensor master = check.values(2, 3);
            float[] before = check.read(master);
            Tensor gradient = check.write(new float[] {1, 2, Float.NaN, 3, 4, 5}, 2, 3);
            Tensor mean = check.zeros(2, 3);
            Tensor square = check.zeros(2, 3);
            Tensor squares = check.zeros(1, 1);
            Tensor factor = check.zeros(1, 1);
            k.addSquares(squares, List.of(gradient));
            k.clipFactor(factor, squares, 1);
            k.adamW(
                    List.of(new ParameterState(master, null, gradient, mean, square)),
                    factor,
                    check.write(new float[] {0.1f, 10, 100}, 1, 3),
                    new AdamWSpec(0.9f, 0.99f, 1e-8f, 0.1f));
            assertThat(check.read(master)).containsExactly(before);
            assertThat(check.read(mean)).containsOnly(0);
            assertThat(check.read(square)).containsOnly(0);
        }
    }
}
