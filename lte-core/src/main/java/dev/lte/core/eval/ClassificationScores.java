package dev.lte.core.eval;

/** Counts of true and predicted classes, and what follows from them. */
public final class ClassificationScores {
    /** (true, predicted). */
    private final long[][] counts;

    private long examples;

    /** @param classes at least two */
    public ClassificationScores(int classes) {
        if (classes < 2) {
            throw new IllegalArgumentException("classes " + classes);
        }
        counts = new long[classes][classes];
    }

    public void add(int expected, int predicted) {
        counts[expected][predicted]++;
        examples++;
    }

    public long examples() {
        return examples;
    }

    /** Share of predictions that are right, 0 to 1; 0 without examples. */
    public double accuracy() {
        long right = 0;
        for (int c = 0; c < counts.length; c++) {
            right += counts[c][c];
        }
        return examples == 0 ? 0 : (double) right / examples;
    }

    /** Harmonic mean of precision and recall of one class, 0 to 1; 0 if it was neither expected nor predicted. */
    public double f1(int positive) {
        long either = expected(positive) + predicted(positive);
        return either == 0 ? 0 : 2.0 * counts[positive][positive] / either;
    }

    /** Mean of {@link #f1} over classes. */
    public double macroF1() {
        double sum = 0;
        for (int c = 0; c < counts.length; c++) {
            sum += f1(c);
        }
        return sum / counts.length;
    }

    /**
     * Matthews correlation coefficient, -1 to 1, for more than two classes as Gorodkin (2004) and scikit-learn have it; 0 where
     * all examples or all predictions are of one class.
     */
    public double matthews() {
        double right = 0;
        double products = 0;
        double expectedSquares = 0;
        double predictedSquares = 0;
        for (int c = 0; c < counts.length; c++) {
            double expected = expected(c);
            double predicted = predicted(c);
            right += counts[c][c];
            products += expected * predicted;
            expectedSquares += expected * expected;
            predictedSquares += predicted * predicted;
        }
        double all = (double) examples * examples;
        double scale = Math.sqrt(all - expectedSquares) * Math.sqrt(all - predictedSquares);
        return scale == 0 ? 0 : (right * examples - products) / scale;
    }

    private long expected(int c) {
        long sum = 0;
        for (long count : counts[c]) {
            sum += count;
        }
        return sum;
    }

    private long predicted(int c) {
        long sum = 0;
        for (long[] row : counts) {
            sum += row[c];
        }
        return sum;
    }
}
