package dev.lte.core.sparse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.InvalidRequestException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class GroupingTest {
    private static final long SEED = 11;

    @Test
    void expertsAreNumberedByTheirLowestNeuron() {
        Grouping grouping = Grouping.of(new int[] {2, 0, 2, 1, 0, 1}, 2);
        assertThat(grouping.expertOfNeuron()).containsExactly(0, 1, 0, 2, 1, 2);
        assertThat(grouping.neurons()).containsExactly(0, 2, 1, 4, 3, 5);
        assertThat(grouping).isEqualTo(Grouping.of(new int[] {1, 2, 1, 0, 2, 0}, 2));
        assertThat(grouping).isNotEqualTo(Grouping.consecutive(6, 2)).isNotEqualTo(Grouping.consecutive(6, 3));
    }

    @Test
    void randomGroupingIsSeededAndBalanced() {
        Grouping grouping = Grouping.random(96, 8, SEED);
        assertThat(grouping).isEqualTo(Grouping.random(96, 8, SEED)).isNotEqualTo(Grouping.random(96, 8, SEED + 1));
        int[] sizes = new int[12];
        for (int f = 0; f < 96; f++) {
            sizes[grouping.expertOf(f)]++;
        }
        assertThat(sizes).containsOnly(8);
    }

    @Test
    void unbalancedExpertsAreRefused() {
        assertThatThrownBy(() -> Grouping.of(new int[] {0, 0, 0, 1}, 2)).hasMessageContaining("more than 2 neurons");
        assertThatThrownBy(() -> Grouping.of(new int[] {0, 0, 2, 1}, 2)).hasMessageContaining("expert 2 of 2");
        assertThatThrownBy(() -> Grouping.experts(11008, 33))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("11008")
                .hasMessageContaining("such as 32");
    }

    @Test
    void reorderedWeightsComputeTheSame() {
        SplittableRandom random = new SplittableRandom(SEED);
        int model = 6;
        int ffn = 24;
        float[] up = gaussian(random, ffn * model);
        float[] bias = gaussian(random, ffn);
        float[] down = gaussian(random, model * ffn);
        float[] x = gaussian(random, model);
        NeuronOrder order = new NeuronOrder(Grouping.random(ffn, 8, SEED));
        double[] before = relu(up, bias, down, x, ffn);
        double[] after = relu(order.rows(up, model), order.vector(bias), order.columns(down, model), x, ffn);
        for (int d = 0; d < model; d++) {
            // Sums in double, in another order.
            assertThat(after[d]).as("seed %d", SEED).isCloseTo(before[d], within(1e-12));
        }
        assertThat(order.rows(up, model)).isNotEqualTo(up);
        assertThatThrownBy(() -> order.rows(up, model + 1)).hasMessageContaining("24 neurons x 7");
    }

    private static double[] relu(float[] up, float[] bias, float[] down, float[] x, int ffn) {
        double[] y = new double[x.length];
        for (int f = 0; f < ffn; f++) {
            double hidden = bias[f];
            for (int d = 0; d < x.length; d++) {
                hidden += (double) up[f * x.length + d] * x[d];
            }
            for (int d = 0; d < x.length; d++) {
                y[d] += down[d * ffn + f] * Math.max(0, hidden);
            }
        }
        return y;
    }

    private static float[] gaussian(SplittableRandom random, int size) {
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @Test
    void coActivationSplitFindsNeuronsThatFireTogether() {
        int experts = 6;
        int size = 5;
        Grouping planted = Grouping.random(experts * size, size, SEED);
        CoActivations sample = new CoActivations(experts * size, 400);
        SplittableRandom random = new SplittableRandom(SEED);
        while (!sample.isFull()) {
            boolean[] on = new boolean[experts];
            for (int n = 0; n < experts; n++) {
                on[n] = random.nextInt(3) == 0;
            }
            float[] activations = new float[experts * size];
            for (int f = 0; f < activations.length; f++) {
                boolean flip = random.nextInt(10) == 0;
                activations[f] = on[planted.expertOf(f)] ^ flip ? 1.5f : -0.1f;
            }
            sample.add(activations, 0);
        }
        assertThat(sample.split(size, BalancedKMeans.Options.seeded(SEED)))
                .as("seed %d", SEED)
                .isEqualTo(planted);
        assertThatThrownBy(() -> sample.add(new float[experts * size], 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void coActivationsAreCounted() {
        CoActivations sample = new CoActivations(3, 100);
        for (int token = 0; token < 100; token++) {
            sample.add(new float[] {token % 2, token % 3 == 0 ? 1 : 0, -1}, 0.5f);
        }
        assertThat(sample.count(0, 0)).isEqualTo(50);
        assertThat(sample.count(1, 1)).isEqualTo(34);
        assertThat(sample.count(0, 1)).isEqualTo(17);
        assertThat(sample.count(2, 0)).isZero();
    }
}
