package dev.lte.core.sparse;

import java.util.SplittableRandom;

/**
 * Improves clusters of equal size by exchanges. One neuron of every cluster is taken out and the N neurons are given back, one
 * to each cluster, in the best way. As a cluster gets exactly one, what a neuron adds to it is known exactly (its product with
 * the sum of those that stayed), so no step can raise the objective; and a step considers N! exchanges at once, chains and
 * rings among them, not only swaps of two.
 */
final class Exchanges {
    private final NeuronRows rows;
    private final int[] members;
    private final int experts;
    private final int expertSize;
    private final SplittableRandom random;
    private final ParallelRanges parallel;

    private final double[][] sums;
    private final float[][] stayed;
    private final float[] values;
    private final int[] clusterOf;

    /**
     * @param members (N x M), the neurons of cluster after cluster; changed by each sweep
     * @param expertSize M
     */
    Exchanges(NeuronRows rows, int[] members, int expertSize, SplittableRandom random, ParallelRanges parallel) {
        this.rows = rows;
        this.members = members;
        this.experts = members.length / expertSize;
        this.expertSize = expertSize;
        this.random = random;
        this.parallel = parallel;
        this.sums = new double[experts][rows.features()];
        this.stayed = new float[experts][rows.features()];
        this.values = new float[experts * experts];
        this.clusterOf = new int[experts];
    }

    /**
     * Takes every neuron out once, in random order.
     *
     * @return by how much the sum of squared distances to the means has fallen
     */
    double sweep() {
        if (experts == 1) {
            return 0;
        }
        rows.sums(members, sums, parallel);
        for (int n = 0; n < experts; n++) {
            shuffle(n * expertSize);
        }
        double gain = 0;
        for (int turn = 0; turn < expertSize; turn++) {
            gain += exchange(turn);
        }
        // Products count each pair of a cluster once, squared distances to the mean twice over M.
        return 2 * gain / expertSize;
    }

    private void shuffle(int base) {
        for (int i = expertSize - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int neuron = members[base + i];
            members[base + i] = members[base + j];
            members[base + j] = neuron;
        }
    }

    private double exchange(int turn) {
        parallel.forEach(experts, 16, (from, to) -> {
            for (int n = from; n < to; n++) {
                float[] out = rows.row(members[n * expertSize + turn]);
                for (int d = 0; d < out.length; d++) {
                    stayed[n][d] = (float) (sums[n][d] - out[d]);
                }
            }
        });
        rows.multiply(i -> members[i * expertSize + turn], experts, stayed, values, parallel);
        new BalancedAssignment(experts, 1).assign(values, clusterOf);
        double gain = 0;
        for (int i = 0; i < experts; i++) {
            gain += (double) values[i * experts + clusterOf[i]] - values[i * experts + i];
        }
        if (gain <= 0) {
            return 0;
        }
        int[] taken = new int[experts];
        for (int i = 0; i < experts; i++) {
            taken[i] = members[i * expertSize + turn];
        }
        for (int i = 0; i < experts; i++) {
            int to = clusterOf[i];
            if (to != i) {
                NeuronRows.add(sums[i], rows.row(taken[i]), -1);
                NeuronRows.add(sums[to], rows.row(taken[i]), 1);
                members[to * expertSize + turn] = taken[i];
            }
        }
        return gain;
    }
}
