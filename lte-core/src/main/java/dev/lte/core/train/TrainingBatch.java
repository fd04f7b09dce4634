package dev.lte.core.train;

import dev.lte.core.data.LabelledBatch;
import dev.lte.core.data.TextBatch;
import java.util.Arrays;

/**
 * The rows of a pass on the host, sequence after sequence. Rows behind the last sequence are padding.
 *
 * @param ids (T)
 * @param starts (B + 1), rows {@code starts[b]} to {@code starts[b + 1]} form sequence b
 * @param targets (T) next tokens, or (B) classes; -1 where nothing is predicted
 * @param weights as targets: what each counts for in the loss, 1 / (all that count in the step) for the mean
 * @param routingWeight what every row of a sequence counts for in the losses of routing, 1 / (rows of the step) for the mean
 */
public record TrainingBatch(int[] ids, int[] starts, int[] targets, float[] weights, float routingWeight) {
    public TrainingBatch {
        if (starts.length < 1 || starts[0] != 0 || starts[starts.length - 1] > ids.length) {
            throw new IllegalArgumentException(
                    "expected sequences within " + ids.length + " rows, found " + Arrays.toString(starts));
        }
        if (targets.length != weights.length) {
            throw new IllegalArgumentException(
                    "expected a weight per target, found " + weights.length + " for " + targets.length);
        }
    }

    /** T, padding included. */
    public int rows() {
        return ids.length;
    }

    /** Rows that belong to a sequence. */
    public int tokens() {
        return starts[starts.length - 1];
    }

    /** B. */
    public int sequences() {
        return starts.length - 1;
    }

    /**
     * The same with padding up to a shape that many batches share, so that what is recorded for it serves all of them.
     *
     * @param rows T
     * @param sequences B; those added are empty
     * @param classes whether targets are those of sequences rather than of rows
     */
    public TrainingBatch padded(int rows, int sequences, boolean classes) {
        int[] paddedStarts = Arrays.copyOf(starts, sequences + 1);
        Arrays.fill(paddedStarts, starts.length, sequences + 1, tokens());
        int[] paddedTargets = Arrays.copyOf(targets, classes ? sequences : rows);
        Arrays.fill(paddedTargets, targets.length, paddedTargets.length, -1);
        return new TrainingBatch(
                Arrays.copyOf(ids, rows),
                paddedStarts,
                paddedTargets,
                Arrays.copyOf(weights, paddedTargets.length),
                routingWeight);
    }

    /**
     * Next-token prediction.
     *
     * @param counted targets that count in all batches of the step
     * @param rows rows of all batches of the step
     */
    public static TrainingBatch of(TextBatch batch, long counted, long rows) {
        int[] starts = starts(batch.lengths());
        int[] ids = new int[starts[starts.length - 1]];
        int[] targets = new int[ids.length];
        float[] weights = new float[ids.length];
        for (int b = 0; b < batch.sequences(); b++) {
            System.arraycopy(batch.ids(), b * batch.tokens(), ids, starts[b], batch.lengths()[b]);
            System.arraycopy(batch.targets(), b * batch.tokens(), targets, starts[b], batch.lengths()[b]);
        }
        for (int t = 0; t < ids.length; t++) {
            weights[t] = targets[t] < 0 ? 0 : (float) (1.0 / counted);
        }
        return new TrainingBatch(ids, starts, targets, weights, (float) (1.0 / rows));
    }

    /**
     * Classification.
     *
     * @param sequences of all batches of the step
     * @param rows rows of all batches of the step
     */
    public static TrainingBatch of(LabelledBatch batch, long sequences, long rows) {
        int[] starts = starts(batch.lengths());
        int[] ids = new int[starts[starts.length - 1]];
        for (int b = 0; b < batch.sequences(); b++) {
            System.arraycopy(batch.ids(), b * batch.tokens(), ids, starts[b], batch.lengths()[b]);
        }
        float[] weights = new float[batch.sequences()];
        Arrays.fill(weights, (float) (1.0 / sequences));
        return new TrainingBatch(ids, starts, batch.labels(), weights, (float) (1.0 / rows));
    }

    private static int[] starts(int[] lengths) {
        int[] starts = new int[lengths.length + 1];
        for (int b = 0; b < lengths.length; b++) {
            starts[b + 1] = starts[b] + lengths[b];
        }
        return starts;
    }
}
