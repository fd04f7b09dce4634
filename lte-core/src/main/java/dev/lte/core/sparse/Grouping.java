package dev.lte.core.sparse;

import dev.lte.InvalidRequestException;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Which neurons of one FFN form which expert: N experts of M neurons each. Immutable and thread-safe.
 *
 * <p>Experts are numbered by their lowest neuron and keep their neurons in ascending order, so that equal sets of neurons
 * are equal groupings whatever found them.
 */
public final class Grouping {
    private final int expertSize;
    private final int[] expertOfNeuron;
    private final int[] neurons;

    private Grouping(int expertSize, int[] expertOfNeuron, int[] neurons) {
        this.expertSize = expertSize;
        this.expertOfNeuron = expertOfNeuron;
        this.neurons = neurons;
    }

    /**
     * @param expertOfNeuron (F), experts under any numbers below F / M
     * @param expertSize M
     * @throws InvalidRequestException if M does not divide F
     * @throws IllegalArgumentException if an expert does not have exactly M neurons
     */
    public static Grouping of(int[] expertOfNeuron, int expertSize) {
        int experts = experts(expertOfNeuron.length, expertSize);
        int[] numberOf = new int[experts];
        int[] filled = new int[experts];
        Arrays.fill(numberOf, -1);
        int[] renumbered = new int[expertOfNeuron.length];
        int[] neurons = new int[expertOfNeuron.length];
        int used = 0;
        for (int neuron = 0; neuron < neurons.length; neuron++) {
            int given = expertOfNeuron[neuron];
            if (given < 0 || given >= experts) {
                throw new IllegalArgumentException("neuron " + neuron + " is in expert " + given + " of " + experts);
            }
            if (numberOf[given] < 0) {
                numberOf[given] = used++;
            }
            int expert = numberOf[given];
            if (filled[expert] == expertSize) {
                throw new IllegalArgumentException("expert " + given + " has more than " + expertSize + " neurons");
            }
            renumbered[neuron] = expert;
            neurons[expert * expertSize + filled[expert]++] = neuron;
        }
        return new Grouping(expertSize, renumbered, neurons);
    }

    /** Consecutive neurons form experts: the order of a file that is grouped already. */
    public static Grouping consecutive(int ffn, int expertSize) {
        experts(ffn, expertSize);
        int[] expertOfNeuron = new int[ffn];
        Arrays.setAll(expertOfNeuron, neuron -> neuron / expertSize);
        return of(expertOfNeuron, expertSize);
    }

    /** Neurons dealt to experts at random; the same for the same seed. */
    public static Grouping random(int ffn, int expertSize, long seed) {
        experts(ffn, expertSize);
        int[] order = shuffled(ffn, seed);
        int[] expertOfNeuron = new int[ffn];
        for (int position = 0; position < ffn; position++) {
            expertOfNeuron[order[position]] = position / expertSize;
        }
        return of(expertOfNeuron, expertSize);
    }

    static int[] shuffled(int size, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    /**
     * N.
     *
     * @param ffn F
     * @param expertSize M
     * @throws InvalidRequestException if M does not divide F
     */
    public static int experts(int ffn, int expertSize) {
        if (expertSize < 1 || ffn < 1 || ffn % expertSize != 0) {
            throw new InvalidRequestException(
                    "expertSize",
                    "a divisor of the " + ffn + " neurons of an FFN" + nearest(ffn, expertSize),
                    expertSize);
        }
        return ffn / expertSize;
    }

    private static String nearest(int ffn, int wanted) {
        int best = 0;
        for (int size = 1; size <= ffn; size++) {
            if (ffn % size == 0 && (best == 0 || Math.abs((long) size - wanted) < Math.abs((long) best - wanted))) {
                best = size;
            }
        }
        return best == 0 ? "" : ", such as " + best;
    }

    /** F. */
    public int ffn() {
        return neurons.length;
    }

    /** M. */
    public int expertSize() {
        return expertSize;
    }

    /** N. */
    public int experts() {
        return neurons.length / expertSize;
    }

    public int expertOf(int neuron) {
        return expertOfNeuron[neuron];
    }

    /** (F), a copy. */
    public int[] expertOfNeuron() {
        return expertOfNeuron.clone();
    }

    /**
     * (F), expert after expert: the neuron that stands at each place once weights are in the order of experts, a copy. The
     * neurons of expert n are at n x M to (n + 1) x M.
     */
    public int[] neurons() {
        return neurons.clone();
    }

    /** The neuron that stands at a place of {@link #neurons}. */
    public int neuronAt(int place) {
        return neurons[place];
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Grouping that
                && expertSize == that.expertSize
                && Arrays.equals(expertOfNeuron, that.expertOfNeuron);
    }

    @Override
    public int hashCode() {
        return 31 * expertSize + Arrays.hashCode(expertOfNeuron);
    }

    @Override
    public String toString() {
        return "Grouping[" + experts() + " experts of " + expertSize + " neurons]";
    }
}
