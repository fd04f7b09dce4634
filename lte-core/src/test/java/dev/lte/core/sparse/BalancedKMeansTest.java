package dev.lte.core.sparse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.OperatingSystemMXBean;
import dev.lte.InvalidRequestException;
import dev.lte.ModelFormatException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class BalancedKMeansTest {
    private static final long SEED = 7;

    @TestFactory
    Stream<DynamicTest> objectiveIsAtMostOnePercentAboveLloydWithOptimalAssignment() throws IOException {
        return GateMatrix.all().stream()
                .flatMap(matrix -> Stream.of(4, 32, 43)
                        .filter(size -> matrix.neurons() % size == 0)
                        .map(size ->
                                DynamicTest.dynamicTest(matrix + ", experts of " + size, () -> compare(matrix, size))));
    }

    private static void compare(GateMatrix matrix, int expertSize) {
        try (ParallelRanges parallel = new ParallelRanges(2)) {
            NeuronRows rows = NeuronRows.read(matrix.rows(), matrix.neurons(), matrix.features(), true, parallel);
            float[][] first = BalancedKMeans.firstCentroids(rows, matrix.neurons() / expertSize, SEED, parallel);
            BalancedKMeans.Result result =
                    BalancedKMeans.group(rows, expertSize, first, new BalancedKMeans.Options(SEED, 2, 50), parallel);
            double optimal = lloydWithOptimalAssignment(rows, expertSize, first);
            double objective = objective(rows, result.grouping());
            assertThat(result.objective()).isCloseTo(objective, within(1e-4 * objective));
            assertThat(objective).as("seed %d", SEED).isLessThanOrEqualTo(1.01 * optimal);
        }
    }

    private static double lloydWithOptimalAssignment(NeuronRows rows, int expertSize, float[][] first) {
        float[][] centroids = first.clone();
        double best = Double.POSITIVE_INFINITY;
        for (int step = 0; step < 100; step++) {
            double[][] cost = new double[rows.neurons()][centroids.length];
            for (int f = 0; f < cost.length; f++) {
                for (int n = 0; n < centroids.length; n++) {
                    cost[f][n] = distance(rows.row(f), centroids[n]);
                }
            }
            Grouping grouping = Grouping.of(OptimalAssignment.of(cost, expertSize), expertSize);
            double objective = objective(rows, grouping);
            if (objective >= best * (1 - 1e-9)) {
                break;
            }
            best = objective;
            centroids = means(rows, grouping);
        }
        return best;
    }

    private static float[][] means(NeuronRows rows, Grouping grouping) {
        float[][] means = new float[grouping.experts()][rows.features()];
        for (int f = 0; f < rows.neurons(); f++) {
            for (int d = 0; d < rows.features(); d++) {
                means[grouping.expertOf(f)][d] += rows.row(f)[d] / grouping.expertSize();
            }
        }
        return means;
    }

    private static double objective(NeuronRows rows, Grouping grouping) {
        float[][] means = means(rows, grouping);
        double sum = 0;
        for (int f = 0; f < rows.neurons(); f++) {
            sum += distance(rows.row(f), means[grouping.expertOf(f)]);
        }
        return sum;
    }

    private static double distance(float[] a, float[] b) {
        double sum = 0;
        for (int d = 0; d < a.length; d++) {
            sum += ((double) a[d] - b[d]) * ((double) a[d] - b[d]);
        }
        return sum;
    }

    @Test
    void assignmentIsNearTheOptimumFromTheFirstCall() {
        SplittableRandom random = new SplittableRandom(SEED);
        int experts = 12;
        int places = 8;
        for (int trial = 0; trial < 20; trial++) {
            float[] values = new float[experts * places * experts];
            double[][] cost = new double[experts * places][experts];
            for (int f = 0; f < cost.length; f++) {
                for (int n = 0; n < experts; n++) {
                    values[f * experts + n] = (float) (random.nextGaussian() + (n == 0 ? 2 : 0));
                    cost[f][n] = -values[f * experts + n];
                }
            }
            int[] found = new int[cost.length];
            new BalancedAssignment(experts, places).assign(values, found);
            double optimum = value(values, OptimalAssignment.of(cost, places), experts);
            // The auction's bound is F x epsilon, epsilon 1 % of how far the best expert is above the mean (about 2).
            assertThat(value(values, found, experts)).as("trial %d", trial).isGreaterThan(optimum - 0.02 * cost.length);
            assertThat(Grouping.of(found, places).experts()).isEqualTo(experts);
        }
    }

    private static double value(float[] values, int[] expertOfNeuron, int experts) {
        double sum = 0;
        for (int f = 0; f < expertOfNeuron.length; f++) {
            sum += values[f * experts + expertOfNeuron[f]];
        }
        return sum;
    }

    @Test
    void findsPlantedClustersUnderAnyScale() {
        SplittableRandom random = new SplittableRandom(SEED);
        int experts = 16;
        int places = 8;
        int features = 40;
        float[] values = new float[experts * places * features];
        float[][] directions = new float[experts][features];
        for (float[] direction : directions) {
            for (int d = 0; d < features; d++) {
                direction[d] = (float) random.nextGaussian();
            }
        }
        int[] planted = Grouping.random(experts * places, places, SEED).expertOfNeuron();
        for (int f = 0; f < planted.length; f++) {
            double scale = Math.exp(3 * random.nextGaussian());
            for (int d = 0; d < features; d++) {
                double noise = 0.2 * random.nextGaussian();
                values[f * features + d] = (float) (scale * (directions[planted[f]][d] + noise));
            }
        }
        Grouping found = BalancedKMeans.group(
                        RowReader.of(values, features),
                        planted.length,
                        features,
                        places,
                        BalancedKMeans.Options.seeded(SEED))
                .grouping();
        assertThat(found).as("seed %d", SEED).isEqualTo(Grouping.of(planted, places));
    }

    @Test
    void threadsDoNotShowInTheResult() {
        float[] values = gaussian(768, 300, SEED);
        BalancedKMeans.Result one = group(values, 300, 1, SEED);
        assertThat(group(values, 300, 1, SEED)).isEqualTo(one);
        assertThat(group(values, 300, 2, SEED)).isEqualTo(one);
        assertThat(group(values, 300, 5, SEED)).isEqualTo(one);
        assertThat(group(values, 300, 2, SEED + 1).grouping()).isNotEqualTo(one.grouping());
    }

    private static BalancedKMeans.Result group(float[] values, int features, int threads, long seed) {
        return BalancedKMeans.group(
                RowReader.of(values, features),
                values.length / features,
                features,
                32,
                new BalancedKMeans.Options(seed, threads, 10));
    }

    private static float[] gaussian(int neurons, int features, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[neurons * features];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @Test
    void degenerateRowsAreGrouped() {
        assertThat(group(new float[64 * 5], 5, 2, SEED).grouping().experts()).isEqualTo(2);
        float[] equal = new float[64 * 5];
        Arrays.fill(equal, 3);
        assertThat(group(equal, 5, 2, SEED).objective()).isCloseTo(0, within(1e-5));
        assertThat(group(gaussian(32, 3, SEED), 3, 2, SEED).grouping()).isEqualTo(Grouping.consecutive(32, 32));
    }

    @Test
    void expertSizeMustDivideTheNeurons() {
        assertThatThrownBy(() -> group(new float[100 * 3], 3, 1, SEED))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("a divisor of the 100 neurons of an FFN, such as 25")
                .hasMessageContaining("found 32");
    }

    @Test
    void weightsThatAreNotFiniteAreNamed() {
        float[] values = gaussian(64, 4, SEED);
        values[21 * 4 + 2] = Float.NaN;
        assertThatThrownBy(() -> group(values, 4, 2, SEED))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("neuron 21");
    }

    /** Judged by processor time, which other work on the machine does not change: three minutes even on one core. */
    @Test
    @Tag("long")
    void groupsAMatrixOfSevenBillionShapeInUnderThreeMinutes() {
        float[] values = gaussian(11008, 4096, SEED);
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        long processor = system.getProcessCpuTime();
        long begin = System.nanoTime();
        BalancedKMeans.Result result = BalancedKMeans.group(
                RowReader.of(values, 4096), 11008, 4096, 32, new BalancedKMeans.Options(SEED, 2, 50));
        double wallSeconds = (System.nanoTime() - begin) / 1e9;
        double processorSeconds = (system.getProcessCpuTime() - processor) / 1e9;
        System.out.printf(
                Locale.ROOT,
                "balanced k-means of 11008 x 4096, 344 experts, 2 threads: %.1f s of wall time, %.1f s of processor time,"
                        + " %d steps and %d sweeps, objective %.1f%n",
                wallSeconds,
                processorSeconds,
                result.lloydSteps(),
                result.exchangeSteps(),
                result.objective());
        assertThat(processorSeconds).isLessThan(180);
        // Random clusters: 11008 (1 - 1/32) = 10664. What can be gained with so many independent features is little.
        assertThat(result.objective()).isLessThan(10550);
    }
}
