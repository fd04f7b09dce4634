package dev.lte.core.sparse;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Balanced k-means: experts are clusters of M neurons whose rows, scaled to length 1, point the same way. This is the grouping
 * of the LTE paper (section 4.1): rows of the gate for gated FFNs, else of the first linear map.
 *
 * <p>Three phases. k-means++ draws the first centroids. Lloyd's algorithm alternates the means of clusters with a {@link
 * BalancedAssignment}. Then {@link Exchanges} take what Lloyd's algorithm cannot see: a neuron is a large part of its own
 * centroid, which holds it where it is; with thousands of features nothing would move otherwise.
 *
 * <p>The result depends on rows and seed alone, not on the number of threads. Memory: the rows once as F32, and F x N floats.
 */
public final class BalancedKMeans {
    /** A step that lowers the objective by less than this share is the last. */
    private static final double TOLERANCE = 1e-5;

    private final NeuronRows rows;
    private final int experts;
    private final int expertSize;
    private final ParallelRanges parallel;

    private BalancedKMeans(NeuronRows rows, int expertSize, ParallelRanges parallel) {
        this.rows = rows;
        this.experts = Grouping.experts(rows.neurons(), expertSize);
        this.expertSize = expertSize;
        this.parallel = parallel;
    }

    /**
     * @param seed of the first centroids and of the order of exchanges
     * @param threads that work at the same time
     * @param maxSteps of Lloyd's algorithm, and again of exchanges
     */
    public record Options(long seed, int threads, int maxSteps) {
        public Options {
            if (threads < 1 || maxSteps < 1) {
                throw new IllegalArgumentException("threads " + threads + ", steps " + maxSteps);
            }
        }

        /** All processors, at most 50 steps. */
        public static Options seeded(long seed) {
            return new Options(seed, Runtime.getRuntime().availableProcessors(), 50);
        }
    }

    /**
     * @param objective sum over neurons of the squared distance to the mean of their expert
     * @param lloydSteps steps of Lloyd's algorithm
     * @param exchangeSteps sweeps of exchanges
     */
    public record Result(Grouping grouping, double objective, int lloydSteps, int exchangeSteps) {}

    /**
     * @param source (F, D)
     * @param ffn F
     * @param model D
     * @param expertSize M
     * @throws dev.lte.InvalidRequestException if M does not divide F
     * @throws dev.lte.ModelFormatException if a weight is not finite
     */
    public static Result group(RowReader source, int ffn, int model, int expertSize, Options options) {
        return group(source, ffn, model, expertSize, true, options);
    }

    /** @param normalise whether rows are scaled to length 1 */
    static Result group(RowReader source, int ffn, int model, int expertSize, boolean normalise, Options options) {
        Grouping.experts(ffn, expertSize);
        try (ParallelRanges parallel = new ParallelRanges(options.threads)) {
            NeuronRows rows = NeuronRows.read(source, ffn, model, normalise, parallel);
            float[][] first = firstCentroids(rows, ffn / expertSize, options.seed, parallel);
            return group(rows, expertSize, first, options, parallel);
        }
    }

    /** @param first centroids, (N, D) */
    static Result group(NeuronRows rows, int expertSize, float[][] first, Options options, ParallelRanges parallel) {
        BalancedKMeans kMeans = new BalancedKMeans(rows, expertSize, parallel);
        int[] members = new int[rows.neurons()];
        int lloydSteps = kMeans.lloyd(first, options.maxSteps, members);
        Exchanges exchanges =
                new Exchanges(rows, members, expertSize, new SplittableRandom(options.seed ^ 0x5DEECE66DL), parallel);
        double objective = kMeans.objective(members);
        int exchangeSteps = 0;
        while (exchangeSteps < options.maxSteps) {
            double gain = exchanges.sweep();
            exchangeSteps++;
            objective -= gain;
            if (gain <= TOLERANCE * objective) {
                break;
            }
        }
        int[] expertOfNeuron = new int[members.length];
        for (int i = 0; i < members.length; i++) {
            expertOfNeuron[members[i]] = i / expertSize;
        }
        return new Result(
                Grouping.of(expertOfNeuron, expertSize), kMeans.objective(members), lloydSteps, exchangeSteps);
    }

    /**
     * @param members overwritten by the best clusters, one after the other
     * @return the number of steps
     */
    private int lloyd(float[][] first, int maxSteps, int[] members) {
        int ffn = rows.neurons();
        float[][] centroids = new float[experts][];
        Arrays.setAll(centroids, n -> first[n].clone());
        float[] values = new float[experts * ffn];
        BalancedAssignment assignment = new BalancedAssignment(experts, expertSize);
        int[] expertOfNeuron = new int[ffn];
        int[] found = new int[ffn];
        double best = Double.POSITIVE_INFINITY;
        int steps = 0;
        while (steps < maxSteps) {
            steps++;
            rows.multiply(i -> i, ffn, centroids, values, parallel);
            // Half of what choosing a centroid takes off a neuron's squared distance to the origin.
            for (int n = 0; n < experts; n++) {
                float half = (float) (NeuronRows.square(centroids[n]) / 2);
                for (int f = 0; f < ffn; f++) {
                    values[f * experts + n] -= half;
                }
            }
            assignment.assign(values, expertOfNeuron);
            members(expertOfNeuron, found);
            double reached = means(found, centroids);
            double gain = best - reached;
            if (gain > 0) {
                best = reached;
                System.arraycopy(found, 0, members, 0, ffn);
            }
            if (!(gain > TOLERANCE * reached)) {
                break;
            }
        }
        return steps;
    }

    private void members(int[] expertOfNeuron, int[] members) {
        int[] filled = new int[experts];
        for (int f = 0; f < expertOfNeuron.length; f++) {
            int n = expertOfNeuron[f];
            members[n * expertSize + filled[n]++] = f;
        }
    }

    /** @return the objective with these means */
    private double means(int[] members, float[][] centroids) {
        double[][] sums = new double[experts][rows.features()];
        rows.sums(members, sums, parallel);
        for (int n = 0; n < experts; n++) {
            for (int d = 0; d < sums[n].length; d++) {
                centroids[n][d] = (float) (sums[n][d] / expertSize);
            }
        }
        return objective(sums);
    }

    private double objective(int[] members) {
        double[][] sums = new double[experts][rows.features()];
        rows.sums(members, sums, parallel);
        return objective(sums);
    }

    /** Sum of |x|² less M |mean|² of each cluster. */
    private double objective(double[][] sums) {
        double objective = rows.squares();
        for (double[] sum : sums) {
            double square = 0;
            for (double value : sum) {
                square += value * value;
            }
            objective -= square / expertSize;
        }
        return Math.max(0, objective);
    }

    /** k-means++: each next centroid is a neuron, drawn by its squared distance to the nearest centroid so far. */
    static float[][] firstCentroids(NeuronRows rows, int experts, long seed, ParallelRanges parallel) {
        SplittableRandom random = new SplittableRandom(seed);
        int neurons = rows.neurons();
        float[][] centroids = new float[experts][];
        double[] nearest = new double[neurons];
        Arrays.fill(nearest, Double.POSITIVE_INFINITY);
        float[] products = new float[neurons];
        int chosen = random.nextInt(neurons);
        for (int n = 0; n < experts; n++) {
            centroids[n] = rows.row(chosen).clone();
            rows.multiply(centroids[n], products, parallel);
            double sum = 0;
            for (int f = 0; f < neurons; f++) {
                double distance = rows.square(f) + rows.square(chosen) - 2.0 * products[f];
                nearest[f] = f == chosen ? 0 : Math.min(nearest[f], Math.max(0, distance));
                sum += nearest[f];
            }
            chosen = draw(nearest, sum * random.nextDouble(), random);
        }
        return centroids;
    }

    private static int draw(double[] weights, double target, SplittableRandom random) {
        double sum = 0;
        int last = -1;
        for (int i = 0; i < weights.length; i++) {
            if (weights[i] > 0) {
                last = i;
                sum += weights[i];
                if (sum > target) {
                    return i;
                }
            }
        }
        return last >= 0 ? last : random.nextInt(weights.length);
    }
}
