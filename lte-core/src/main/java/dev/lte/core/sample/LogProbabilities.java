package dev.lte.core.sample;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Log-probabilities of a choice, by the logits as the model gave them: {@code logit - log(sum(exp(logits)))}. Arrays are reused. */
public final class LogProbabilities {
    /** A token with the natural logarithm of its probability. */
    public record Scored(int id, double logProbability) {}

    private final int alternatives;
    private float[] logits = new float[0];
    private int size;
    private double logSum;
    private List<Scored> result = List.of();

    LogProbabilities(int alternatives) {
        this.alternatives = alternatives;
    }

    /** Remembers logits before they are changed. */
    void measure(float[] values, int start, int size) {
        if (logits.length < size) {
            logits = new float[size];
        }
        System.arraycopy(values, start, logits, 0, size);
        this.size = size;
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < size; i++) {
            largest = Math.max(largest, logits[i]);
        }
        double sum = 0;
        for (int i = 0; i < size; i++) {
            sum += Math.exp((double) logits[i] - largest);
        }
        logSum = largest + Math.log(sum);
    }

    void choose(int token) {
        List<Scored> scored = new ArrayList<>(alternatives + 1);
        scored.add(scored(token));
        int[] best = mostLikely();
        for (int id : best) {
            scored.add(scored(id));
        }
        result = List.copyOf(scored);
    }

    List<Scored> result() {
        return result;
    }

    private Scored scored(int token) {
        return new Scored(token, logits[token] - logSum);
    }

    /** Most likely first, ties by id: an insertion into the few kept, which almost every token fails at once. */
    private int[] mostLikely() {
        int[] best = new int[Math.min(alternatives, size)];
        int kept = 0;
        for (int id = 0; id < size && best.length > 0; id++) {
            if (kept == best.length && logits[id] <= logits[best[kept - 1]]) {
                continue;
            }
            int place = kept < best.length ? kept++ : kept - 1;
            while (place > 0 && logits[best[place - 1]] < logits[id]) {
                best[place] = best[place - 1];
                place--;
            }
            best[place] = id;
        }
        return Arrays.copyOf(best, kept);
    }
}
