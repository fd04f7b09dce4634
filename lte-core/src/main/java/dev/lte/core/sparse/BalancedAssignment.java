package dev.lte.core.sparse;

import java.util.Arrays;

/**
 * Gives F neurons to N experts of M places each so that the sum of values is near its greatest: the auction algorithm with
 * similar objects (Bertsekas and Castañon, 1989). A neuron without a place bids for the expert that is worth most to it after
 * its price, and bids so much that the expert is worth epsilon less than its second choice; the lowest bid of a full expert
 * loses its place, and the lowest bid that remains is the expert's price. When all have a place, the sum is within F x epsilon
 * of the optimum.
 *
 * <p>Prices stay from one call to the next: centroids move little late in k-means, and good prices end the auction after few
 * bids. Not thread-safe; the result depends on the values and earlier calls alone.
 */
final class BalancedAssignment {
    /** Epsilon of the last round as a share of the values' spread. */
    private static final double PRECISION = 0.01;
    /** From round to round. */
    private static final double REFINEMENT = 5;

    private final int neurons;
    private final int experts;
    private final int places;

    private final double[] prices;
    /** (N, M), the bids of each expert as a heap with the lowest on top, and who made them. */
    private final double[] bids;

    private final int[] bidders;
    private final int[] taken;
    private boolean priced;

    /**
     * @param experts N
     * @param places M
     */
    BalancedAssignment(int experts, int places) {
        this.neurons = experts * places;
        this.experts = experts;
        this.places = places;
        this.prices = new double[experts];
        this.bids = new double[neurons];
        this.bidders = new int[neurons];
        this.taken = new int[experts];
    }

    /**
     * @param values (F, N), what an expert is worth to a neuron, finite
     * @param expertOfNeuron (F), overwritten
     */
    void assign(float[] values, int[] expertOfNeuron) {
        if (experts == 1) {
            Arrays.fill(expertOfNeuron, 0);
            return;
        }
        double spread = spread(values);
        double last = spread * PRECISION;
        if (last == 0) {
            Arrays.setAll(expertOfNeuron, neuron -> neuron / places);
            return;
        }
        if (!priced) {
            for (double epsilon = last * Math.pow(REFINEMENT, 3); epsilon > last * 1.5; epsilon /= REFINEMENT) {
                round(values, epsilon, expertOfNeuron);
            }
            priced = true;
        }
        round(values, last, expertOfNeuron);
    }

    /** The mean over neurons of how far the best expert is above the mean expert. */
    private double spread(float[] values) {
        double sum = 0;
        for (int neuron = 0; neuron < neurons; neuron++) {
            double total = 0;
            float best = Float.NEGATIVE_INFINITY;
            for (int i = neuron * experts; i < (neuron + 1) * experts; i++) {
                total += values[i];
                best = Math.max(best, values[i]);
            }
            sum += best - total / experts;
        }
        return sum / neurons;
    }

    private void round(float[] values, double epsilon, int[] expertOfNeuron) {
        Arrays.fill(taken, 0);
        int[] waiting = new int[neurons];
        Arrays.setAll(waiting, neuron -> neurons - 1 - neuron);
        int left = neurons;
        while (left > 0) {
            int neuron = waiting[--left];
            int row = neuron * experts;
            int chosen = -1;
            double best = Double.NEGATIVE_INFINITY;
            double second = Double.NEGATIVE_INFINITY;
            for (int expert = 0; expert < experts; expert++) {
                double worth = values[row + expert] - prices[expert];
                if (worth > second) {
                    if (worth > best) {
                        second = best;
                        best = worth;
                        chosen = expert;
                    } else {
                        second = worth;
                    }
                }
            }
            double bid = prices[chosen] + (best - second) + epsilon;
            expertOfNeuron[neuron] = chosen;
            int loser = place(chosen, neuron, bid);
            if (loser >= 0) {
                waiting[left++] = loser;
            }
        }
        // What nobody bid against is worth as little as what everybody wants: only differences of prices count.
        double least = Double.POSITIVE_INFINITY;
        for (double price : prices) {
            least = Math.min(least, price);
        }
        for (int expert = 0; expert < experts; expert++) {
            prices[expert] -= least;
        }
    }

    /** @return the neuron that loses its place, or -1 */
    private int place(int expert, int neuron, double bid) {
        int base = expert * places;
        if (taken[expert] < places) {
            int at = taken[expert]++;
            while (at > 0 && bids[base + (at - 1) / 2] > bid) {
                bids[base + at] = bids[base + (at - 1) / 2];
                bidders[base + at] = bidders[base + (at - 1) / 2];
                at = (at - 1) / 2;
            }
            bids[base + at] = bid;
            bidders[base + at] = neuron;
            if (taken[expert] == places) {
                prices[expert] = bids[base];
            }
            return -1;
        }
        int loser = bidders[base];
        int at = 0;
        while (true) {
            int child = 2 * at + 1;
            if (child >= places) {
                break;
            }
            if (child + 1 < places && bids[base + child + 1] < bids[base + child]) {
                child++;
            }
            if (bids[base + child] >= bid) {
                break;
            }
            bids[base + at] = bids[base + child];
            bidders[base + at] = bidders[base + child];
            at = child;
        }
        bids[base + at] = bid;
        bidders[base + at] = neuron;
        prices[expert] = bids[base];
        return loser;
    }
}
