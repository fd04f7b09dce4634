package dev.lte.core.sparse;

import dev.lte.InvalidRequestException;
import dev.lte.backend.Activation;
import java.util.Arrays;

/**
 * How often the neurons of one FFN are active together, over the tokens of a sample: the weights of the co-activation graph
 * (Zhang et al., MoEfication, 2022), the alternative to clustering by parameters. Not thread-safe.
 *
 * <p>Keeps one bit per neuron and token; counts are made when they are needed.
 */
public final class CoActivations {
    /** Tokens that tell the groups of an FFN apart. */
    public static final int TOKENS = 2_048;

    /** Of the neurons that count as active for a token where the activation function leaves none at 0. */
    private static final double SHARE = 0.2;

    private final int ffn;
    private final int capacity;
    /** (F, tokens / 64). */
    private final long[][] active;

    private int tokens;

    /**
     * @param ffn F
     * @param capacity tokens that can be recorded; a few thousand serve
     */
    public CoActivations(int ffn, int capacity) {
        if (ffn < 1 || capacity < 1) {
            throw new InvalidRequestException("co-activation sample", "neurons and tokens", ffn + " x " + capacity);
        }
        this.ffn = ffn;
        this.capacity = capacity;
        this.active = new long[ffn][(capacity + 63) / 64];
    }

    /** F. */
    public int ffn() {
        return ffn;
    }

    public int tokens() {
        return tokens;
    }

    public boolean isFull() {
        return tokens == capacity;
    }

    /**
     * Records one token: neurons whose activation is above the threshold are active. For ReLU the threshold is 0; for smooth
     * activations give magnitudes and a threshold such as their median.
     *
     * @param activations (F)
     * @throws IllegalStateException if the sample is full
     */
    public void add(float[] activations, float threshold) {
        if (activations.length != ffn) {
            throw new IllegalArgumentException("expected " + ffn + " activations, found " + activations.length);
        }
        if (isFull()) {
            throw new IllegalStateException("the sample of " + capacity + " tokens is full");
        }
        long bit = 1L << (tokens & 63);
        int word = tokens >>> 6;
        for (int f = 0; f < ffn; f++) {
            if (activations[f] > threshold) {
                active[f][word] |= bit;
            }
        }
        tokens++;
    }

    /**
     * Records one token: with ReLU the neurons that it lets through are active, with a smooth function, which lets all through, the
     * {@link #SHARE} of the greatest magnitudes.
     *
     * @param activations (F), what the down projection multiplies
     */
    public void add(float[] activations, Activation function) {
        if (function == Activation.RELU) {
            add(activations, 0);
            return;
        }
        float[] magnitudes = new float[activations.length];
        for (int f = 0; f < magnitudes.length; f++) {
            magnitudes[f] = Math.abs(activations[f]);
        }
        float[] sorted = magnitudes.clone();
        Arrays.sort(sorted);
        add(magnitudes, sorted[(int) ((1 - SHARE) * (sorted.length - 1))]);
    }

    /** Tokens for which both are active; of a neuron with itself, those for which it is. */
    public int count(int neuron, int other) {
        long[] a = active[neuron];
        long[] b = active[other];
        int count = 0;
        for (int i = 0; i < a.length; i++) {
            count += Long.bitCount(a[i] & b[i]);
        }
        return count;
    }

    /** 1 where the neuron is active, else 0. */
    void read(int neuron, float[] into) {
        for (int token = 0; token < tokens; token++) {
            into[token] = active[neuron][token >>> 6] >>> token & 1;
        }
    }

    /**
     * Splits the co-activation graph into parts of M neurons so that the counts inside parts, summed over pairs, are near
     * their greatest; fewest co-activations are cut.
     *
     * <p>That sum over a part is half of |s|^2, less a constant, where s is the sum of its neurons' rows of 0 and 1 over tokens.
     * So the split is balanced k-means of those rows, unscaled, and no graph of F^2 edges is built.
     *
     * @param expertSize M
     * @throws InvalidRequestException if M does not divide F, or no token was recorded
     */
    public Grouping split(int expertSize, BalancedKMeans.Options options) {
        Grouping.experts(ffn, expertSize);
        if (tokens == 0) {
            throw new InvalidRequestException("co-activation sample", "at least one token", 0);
        }
        return BalancedKMeans.group(this::read, ffn, tokens, expertSize, false, options)
                .grouping();
    }
}
