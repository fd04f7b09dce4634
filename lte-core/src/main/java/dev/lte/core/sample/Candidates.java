package dev.lte.core.sample;

import java.util.Arrays;
import java.util.Comparator;

/**
 * Tokens with their probabilities, cut step by step. Probabilities are doubles relative to the most likely token; cuts leave
 * them unnormalised. Ties are ordered by id, so that every cut is defined. Arrays are reused.
 */
final class Candidates {
    private int[] ids = new int[0];
    private double[] weights = new double[0];
    private int count;

    /** All tokens that are not all but impossible, in the order of their ids: {@code weight = exp((logit - largest) / temperature)}. */
    void fill(float[] logits, int start, int size, float temperature) {
        if (ids.length < size) {
            ids = new int[size];
            weights = new double[size];
        }
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = start; i < start + size; i++) {
            if (logits[i] > largest) { // not Math.max, whose care for signs of zeros takes three times as long
                largest = logits[i];
            }
        }
        Exponential.of(logits, start, size, largest, 1.0 / temperature, weights);
        double least = largest + Exponential.LEAST * temperature;
        count = 0;
        for (int i = 0; i < size; i++) {
            float logit = logits[start + i];
            if (logit > least || logit == largest) {
                ids[count] = i;
                weights[count++] = logit == largest ? 1 : weights[i];
            }
        }
    }

    private double total() {
        double even = 0;
        double odd = 0;
        int i = 0;
        for (; i + 1 < count; i += 2) {
            even += weights[i];
            odd += weights[i + 1];
        }
        return even + odd + (i < count ? weights[i] : 0);
    }

    int count() {
        return count;
    }

    /** Keeps the {@code k} most likely, in the order most likely first. */
    void keepMostLikely(int k) {
        if (k < count) {
            select(k);
            count = k;
        }
        sort(0, count);
    }

    /** Keeps the smallest set of the most likely that together have at least the share {@code p} of what is there, most likely first. */
    void keepMass(double p) {
        double total = total();
        // Whatever is below this bound cannot be in the set: all of it together has less than the share 1 - p.
        double bound = (1 - p) * total / count;
        double kept = 0;
        int candidates = 0;
        for (int i = 0; i < count; i++) {
            if (weights[i] >= bound) {
                kept += weights[i];
                swap(i, candidates++);
            }
        }
        if (kept >= p * total && candidates > 0) {
            count = candidates;
        }
        sort(0, count);
        double sum = 0;
        int keep = 0;
        while (keep < count && sum < p * total) {
            sum += weights[keep++];
        }
        count = Math.max(1, keep);
    }

    /**
     * Keeps the smallest set that has at least the share {@code p} of what is there, those first whose information is nearest to
     * the expected one (Meister et al., Locally Typical Sampling); most likely first.
     */
    void keepTypical(double p) {
        double total = 0;
        double weighted = 0;
        for (int i = 0; i < count; i++) {
            total += weights[i];
            weighted += weights[i] * Math.log(weights[i]);
        }
        // Both informations lack the same log(total), which their difference does not need.
        double expected = -weighted / total;
        double[] distances = new double[count];
        Integer[] order = new Integer[count];
        for (int i = 0; i < count; i++) {
            distances[i] = Math.abs(-Math.log(weights[i]) - expected);
            order[i] = i;
        }
        Arrays.sort(
                order, Comparator.comparingDouble((Integer i) -> distances[i]).thenComparingInt(i -> ids[i]));
        int[] keptIds = new int[count];
        double[] keptWeights = new double[count];
        double sum = 0;
        int kept = 0;
        while (kept < count && (kept == 0 || sum < p * total)) {
            keptIds[kept] = ids[order[kept]];
            keptWeights[kept] = weights[order[kept]];
            sum += keptWeights[kept++];
        }
        System.arraycopy(keptIds, 0, ids, 0, kept);
        System.arraycopy(keptWeights, 0, weights, 0, kept);
        count = kept;
        sort(0, count);
    }

    /** Keeps those at least {@code share} as likely as the most likely one. */
    void keepAbove(double share) {
        double largest = 0;
        for (int i = 0; i < count; i++) {
            largest = Math.max(largest, weights[i]);
        }
        double bound = share * largest;
        int keep = 0;
        for (int i = 0; i < count; i++) {
            if (weights[i] >= bound) {
                ids[keep] = ids[i];
                weights[keep++] = weights[i];
            }
        }
        count = keep;
    }

    /** The candidate at {@code uniform}, 0 to 1 exclusive, of the cumulated probabilities, candidates in the order they have. */
    int draw(double uniform) {
        double target = uniform * total();
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += weights[i];
            if (target < sum) {
                return ids[i];
            }
        }
        return ids[count - 1];
    }

    private static boolean before(double weight, int id, double otherWeight, int otherId) {
        return weight > otherWeight || (weight == otherWeight && id < otherId);
    }

    /** Quickselect: the first {@code k} are the most likely, in any order. */
    private void select(int k) {
        int from = 0;
        int to = count;
        while (to - from > 1) {
            int split = partition(from, to);
            if (split == k) {
                return;
            }
            if (split < k) {
                from = split;
            } else {
                to = split;
            }
        }
    }

    /** Quicksort, most likely first; the shorter part by recursion, so that the depth stays logarithmic. */
    private void sort(int from, int to) {
        while (to - from > 1) {
            int split = partition(from, to);
            if (split - from < to - split) {
                sort(from, split);
                from = split;
            } else {
                sort(split, to);
                to = split;
            }
        }
    }

    /** Hoare's partition around the median of three; returns where the second part begins, inside ({@code from}, {@code to}). */
    private int partition(int from, int to) {
        int middle = (from + to) >>> 1;
        int last = to - 1;
        orderPair(from, middle);
        orderPair(middle, last);
        orderPair(from, middle);
        double pivot = weights[middle];
        int pivotId = ids[middle];
        int i = from - 1;
        int j = to;
        while (true) {
            do {
                i++;
            } while (before(weights[i], ids[i], pivot, pivotId));
            do {
                j--;
            } while (before(pivot, pivotId, weights[j], ids[j]));
            if (i >= j) {
                return Math.min(Math.max(j + 1, from + 1), to - 1);
            }
            swap(i, j);
        }
    }

    private void orderPair(int a, int b) {
        if (before(weights[b], ids[b], weights[a], ids[a])) {
            swap(a, b);
        }
    }

    private void swap(int a, int b) {
        int id = ids[a];
        ids[a] = ids[b];
        ids[b] = id;
        double weight = weights[a];
        weights[a] = weights[b];
        weights[b] = weight;
    }
}
