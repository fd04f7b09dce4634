package dev.lte.core.calibrate;

import java.util.SplittableRandom;

/**
 * Data from which the router of one layer is made: for a random sample of the tokens seen, the FFN's input and the scores of its
 * experts. However many tokens come, each has the same chance to be in the sample (reservoir sampling). Not thread-safe.
 */
public final class RouterSample {
    private final int model;
    private final int experts;
    private final float[][] inputs;
    private final float[][] scores;
    private final SplittableRandom random;
    private long seen;

    /**
     * @param model D
     * @param experts N
     * @param capacity tokens kept at most
     */
    public RouterSample(int model, int experts, int capacity, long seed) {
        if (model < 1 || experts < 1 || capacity < 1) {
            throw new IllegalArgumentException("D " + model + ", N " + experts + ", capacity " + capacity);
        }
        this.model = model;
        this.experts = experts;
        inputs = new float[capacity][];
        scores = new float[capacity][];
        random = new SplittableRandom(seed);
    }

    /**
     * @param input (D), copied if it is kept
     * @param expertScores (N), copied if they are kept
     */
    public void add(float[] input, float[] expertScores) {
        if (input.length != model || expertScores.length != experts) {
            throw new IllegalArgumentException("expected " + model + " inputs and " + experts + " scores, found "
                    + input.length + " and " + expertScores.length);
        }
        long place = seen < inputs.length ? seen : random.nextLong(seen + 1);
        seen++;
        if (place < inputs.length) {
            inputs[(int) place] = input.clone();
            scores[(int) place] = expertScores.clone();
        }
    }

    /** Tokens in the sample. */
    public int size() {
        return (int) Math.min(seen, inputs.length);
    }

    /** (D), not to be changed. */
    public float[] input(int index) {
        return inputs[index];
    }

    /** (N), not to be changed. */
    public float[] scores(int index) {
        return scores[index];
    }

    /** N. */
    public int experts() {
        return experts;
    }

    /** D. */
    public int model() {
        return model;
    }

    /**
     * The score below which a share of all (token, expert) pairs of the sample lies: routing by it has this sparsity, divided
     * among tokens by what they need.
     */
    public float threshold(double sparsity) {
        MagnitudeHistogram histogram = new MagnitudeHistogram();
        for (int i = 0; i < size(); i++) {
            histogram.add(scores[i]);
        }
        return histogram.threshold(sparsity);
    }
}
