package dev.lte.core.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * ROUGE-1, ROUGE-2 and ROUGE-L (Lin, 2004), computed as the package rouge-score does: lower case, runs of ASCII letters and
 * digits are words, the score of an example is that of the reference with the best F1 of the measure, the score of a corpus the
 * mean over examples. ROUGE-L takes each text as one sentence.
 *
 * <p>With {@link Stemming#ROUGE_155} it gives the scores of ROUGE-1.5.5 for one sentence and one reference.
 */
public final class Rouge {
    private final Stemming stemming;
    private final Sums one = new Sums();
    private final Sums two = new Sums();
    private final Sums longest = new Sums();
    private long examples;

    public Rouge(Stemming stemming) {
        this.stemming = stemming;
    }

    /** Each 0 to 100. */
    public record Measure(double precision, double recall, double f1) {
        static final Measure NONE = new Measure(0, 0, 0);

        private static Measure of(int common, int hypothesis, int reference) {
            if (common == 0) {
                return NONE;
            }
            double precision = 100.0 * common / hypothesis;
            double recall = 100.0 * common / reference;
            return new Measure(precision, recall, 2 * precision * recall / (precision + recall));
        }
    }

    public record Score(Measure rouge1, Measure rouge2, Measure rougeL) {}

    private static final class Sums {
        private double precision;
        private double recall;
        private double f1;

        private void add(Measure measure) {
            precision += measure.precision;
            recall += measure.recall;
            f1 += measure.f1;
        }

        private Measure mean(long examples) {
            return examples == 0 ? Measure.NONE : new Measure(precision / examples, recall / examples, f1 / examples);
        }
    }

    /** @return the score of this example */
    public Score add(String hypothesis, List<String> references) {
        if (references.isEmpty()) {
            throw new IllegalArgumentException("an example without a reference: " + hypothesis);
        }
        List<String> words = words(hypothesis);
        Measure best1 = Measure.NONE;
        Measure best2 = Measure.NONE;
        Measure bestL = Measure.NONE;
        for (String reference : references) {
            List<String> expected = words(reference);
            best1 = better(best1, overlap(words, expected, 1));
            best2 = better(best2, overlap(words, expected, 2));
            bestL = better(bestL, Measure.of(commonSubsequence(words, expected), words.size(), expected.size()));
        }
        one.add(best1);
        two.add(best2);
        longest.add(bestL);
        examples++;
        return new Score(best1, best2, bestL);
    }

    private static Measure better(Measure a, Measure b) {
        return b.f1 > a.f1 ? b : a;
    }

    private static Measure overlap(List<String> hypothesis, List<String> reference, int size) {
        Map<List<String>, Integer> runs = Words.runs(hypothesis, size);
        int common = Words.common(runs, Words.runs(reference, size));
        return Measure.of(common, hypothesis.size() - size + 1, reference.size() - size + 1);
    }

    /** Length of the longest common subsequence. */
    private static int commonSubsequence(List<String> a, List<String> b) {
        int[] lengths = new int[b.size() + 1];
        for (String word : a) {
            int diagonal = 0;
            for (int j = 1; j <= b.size(); j++) {
                int above = lengths[j];
                lengths[j] = word.equals(b.get(j - 1)) ? diagonal + 1 : Math.max(above, lengths[j - 1]);
                diagonal = above;
            }
        }
        return lengths[b.size()];
    }

    /** Means over the examples so far. */
    public Score score() {
        return new Score(one.mean(examples), two.mean(examples), longest.mean(examples));
    }

    private List<String> words(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        List<String> words = new ArrayList<>();
        int begin = -1;
        for (int i = 0; i <= lower.length(); i++) {
            char c = i < lower.length() ? lower.charAt(i) : ' ';
            boolean letter = c >= 'a' && c <= 'z' || c >= '0' && c <= '9';
            if (letter && begin < 0) {
                begin = i;
            } else if (!letter && begin >= 0) {
                String word = lower.substring(begin, i);
                words.add(stemming.apply(word));
                begin = -1;
            }
        }
        return words;
    }
}
