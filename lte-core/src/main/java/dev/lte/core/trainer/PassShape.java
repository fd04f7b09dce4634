package dev.lte.core.trainer;

import dev.lte.core.data.LabelledBatch;
import dev.lte.core.data.TextBatch;
import dev.lte.core.train.TrainingBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How batches are cut into passes: whole sequences, in their order, as many as fit; then padded to one of a few numbers of rows,
 * so that passes can be recorded.
 *
 * @param rows of the largest pass
 * @param sequences of the largest pass
 */
record PassShape(int rows, int sequences) {
    /** Numbers of rows that a pass can have. */
    private static final int SIZES = 16;

    private static final int ALIGNMENT = 16;

    /**
     * @param batch sequences of a step
     * @param tokens of the longest sequence
     * @param wanted rows of a pass; 0 for the default
     */
    static PassShape of(int batch, int tokens, int wanted) {
        long all = (long) batch * tokens;
        int rows = Math.toIntExact(Math.min(all, wanted > 0 ? wanted : Math.max(8192, tokens)));
        return new PassShape(rows, Math.min(batch, rows));
    }

    private int padded(int used) {
        int grain = Math.max(ALIGNMENT, (rows + SIZES - 1) / SIZES);
        return Math.min(rows, (used + grain - 1) / grain * grain);
    }

    /** First sequences of all passes, and the number of sequences. */
    private List<Integer> cuts(int[] lengths) {
        List<Integer> cuts = new ArrayList<>(List.of(0));
        int used = 0;
        for (int b = 0; b < lengths.length; b++) {
            if (used + lengths[b] > rows || b - cuts.getLast() == sequences) {
                cuts.add(b);
                used = 0;
            }
            used += lengths[b];
        }
        cuts.add(lengths.length);
        return cuts;
    }

    /** @param counted targets that share the weight of 1 */
    List<TrainingBatch> passes(TextBatch batch, long counted) {
        int width = batch.tokens();
        long tokens = sum(batch.lengths());
        List<TrainingBatch> passes = new ArrayList<>();
        List<Integer> cuts = cuts(batch.lengths());
        for (int i = 0; i + 1 < cuts.size(); i++) {
            int from = cuts.get(i);
            int to = cuts.get(i + 1);
            TextBatch part = new TextBatch(
                    to - from,
                    width,
                    Arrays.copyOfRange(batch.ids(), from * width, to * width),
                    Arrays.copyOfRange(batch.targets(), from * width, to * width),
                    Arrays.copyOfRange(batch.lengths(), from, to),
                    0,
                    0);
            TrainingBatch pass = TrainingBatch.of(part, counted, tokens);
            if (pass.tokens() > 0) {
                passes.add(pass.padded(padded(pass.tokens()), sequences, false));
            }
        }
        return passes;
    }

    /** @param counted sequences that share the weight of 1 */
    List<TrainingBatch> passes(LabelledBatch batch, long counted) {
        int width = batch.tokens();
        long tokens = sum(batch.lengths());
        List<TrainingBatch> passes = new ArrayList<>();
        List<Integer> cuts = cuts(batch.lengths());
        for (int i = 0; i + 1 < cuts.size(); i++) {
            int from = cuts.get(i);
            int to = cuts.get(i + 1);
            LabelledBatch part = new LabelledBatch(
                    to - from,
                    width,
                    Arrays.copyOfRange(batch.ids(), from * width, to * width),
                    Arrays.copyOfRange(batch.lengths(), from, to),
                    Arrays.copyOfRange(batch.labels(), from, to));
            TrainingBatch pass = TrainingBatch.of(part, counted, tokens);
            passes.add(pass.padded(padded(pass.tokens()), sequences, true));
        }
        return passes;
    }

    static long sum(int[] lengths) {
        return Arrays.stream(lengths).asLongStream().sum();
    }
}
