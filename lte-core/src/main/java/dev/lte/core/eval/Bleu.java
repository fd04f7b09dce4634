package dev.lte.core.eval;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * BLEU of a corpus (Papineni et al., 2002), equal to sacrebleu's with its defaults: words of mteval-v13a with case, runs up
 * to four words, exponential smoothing of precisions without a match, the reference nearest in length (of two, the shorter)
 * for the brevity penalty. Examples may have different numbers of references.
 */
public final class Bleu {
    private static final int LONGEST_RUN = 4;

    private final long[] matches = new long[LONGEST_RUN];
    private final long[] runs = new long[LONGEST_RUN];
    private long hypothesisLength;
    private long referenceLength;

    /**
     * @param score 0 to 100
     * @param precisions of runs of one to four words, 0 to 100, smoothed
     * @param brevityPenalty 0 to 1
     * @param hypothesisLength in words
     * @param referenceLength in words, of the references nearest in length
     */
    public record Score(
            double score, List<Double> precisions, double brevityPenalty, long hypothesisLength, long referenceLength) {
        public Score {
            precisions = List.copyOf(precisions);
        }
    }

    /** @param references at least one that is not empty; empty ones do not count */
    public void add(String hypothesis, List<String> references) {
        List<String> words = BleuTokenizer.words(hypothesis);
        List<List<String>> referenceWords = new ArrayList<>();
        for (String reference : references) {
            if (!reference.isEmpty()) {
                referenceWords.add(BleuTokenizer.words(reference));
            }
        }
        if (referenceWords.isEmpty()) {
            throw new IllegalArgumentException("an example without a reference: " + hypothesis);
        }
        for (int size = 1; size <= LONGEST_RUN; size++) {
            Map<List<String>, Integer> expected = new HashMap<>();
            for (List<String> reference : referenceWords) {
                Words.runs(reference, size).forEach((run, count) -> expected.merge(run, count, Math::max));
            }
            matches[size - 1] += Words.common(Words.runs(words, size), expected);
            runs[size - 1] += Math.max(0, words.size() - size + 1);
        }
        hypothesisLength += words.size();
        referenceLength += nearestLength(words.size(), referenceWords);
    }

    private static int nearestLength(int length, List<List<String>> references) {
        int nearest = references.getFirst().size();
        for (List<String> reference : references) {
            int difference = Math.abs(length - reference.size());
            int least = Math.abs(length - nearest);
            if (difference < least || difference == least && reference.size() < nearest) {
                nearest = reference.size();
            }
        }
        return nearest;
    }

    /** Of the examples so far. */
    public Score score() {
        double penalty = 1;
        if (hypothesisLength < referenceLength) {
            penalty = hypothesisLength == 0 ? 0 : Math.exp(1 - (double) referenceLength / hypothesisLength);
        }
        double[] precisions = new double[LONGEST_RUN];
        double score = anyMatch() ? smoothed(precisions, penalty) : 0;
        List<Double> boxed = new ArrayList<>();
        for (double precision : precisions) {
            boxed.add(precision);
        }
        return new Score(score, boxed, penalty, hypothesisLength, referenceLength);
    }

    private boolean anyMatch() {
        for (long count : matches) {
            if (count > 0) {
                return true;
            }
        }
        return false;
    }

    private double smoothed(double[] precisions, double penalty) {
        double divisor = 1;
        for (int i = 0; i < LONGEST_RUN && runs[i] > 0; i++) {
            if (matches[i] == 0) {
                divisor *= 2;
                precisions[i] = 100 / (divisor * runs[i]);
            } else {
                precisions[i] = 100.0 * matches[i] / runs[i];
            }
        }
        double logs = 0;
        for (double precision : precisions) {
            logs += Math.log(precision);
        }
        return penalty * Math.exp(logs / LONGEST_RUN);
    }
}
