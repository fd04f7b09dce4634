package dev.lte.core.baseline;

import dev.lte.core.calibrate.ExpertScores;

/** Which units of a layer run for a token, by their scores. */
@FunctionalInterface
interface Selection {
    /**
     * @param scores (units)
     * @return (units), whether each runs
     */
    boolean[] of(float[] scores);

    /** The same number for every token: the greatest. */
    static Selection greatest(int count) {
        return scores -> ExpertScores.greatest(scores, count);
    }

    /** As many as are above a threshold. */
    static Selection above(float threshold) {
        return scores -> {
            boolean[] kept = new boolean[scores.length];
            for (int i = 0; i < kept.length; i++) {
                kept[i] = scores[i] > threshold;
            }
            return kept;
        };
    }
}
