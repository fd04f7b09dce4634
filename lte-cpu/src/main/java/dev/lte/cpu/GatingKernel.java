package dev.lte.cpu;

import dev.lte.backend.Activation;
import dev.lte.backend.Gating;
import org.jspecify.annotations.Nullable;

/**
 * Neurons under the scores of their experts, {@code hidden = act(gate) * up * r} or {@code act(up) * r}, and their gradients,
 * one row at a time in the first-level cache: gate, up, hidden (T, F), scores (T, N).
 */
final class GatingKernel {
    private static final int ITEM_ROWS = 4;

    private final WorkerPool pool;
    private final RowCursor[] gateRows;
    private final RowCursor[] upRows;
    private final RowCursor[] hiddenRows;
    private final RowCursor[] resultRows;
    private final Scratch inputs;
    private final Scratch values;
    private final Scratch slopes;
    private final WorkerPool.Task forward = this::forward;
    private final WorkerPool.Task backward = this::backward;

    private @Nullable CpuTensor hidden;
    private @Nullable CpuTensor gate;
    private @Nullable CpuTensor up;
    private @Nullable CpuTensor scores;
    private @Nullable CpuTensor dgate;
    private @Nullable CpuTensor dup;
    private @Nullable CpuTensor dscores;
    private Activation activation = Activation.SILU;
    private Gating gating = Gating.NONE;

    GatingKernel(WorkerPool pool) {
        this.pool = pool;
        gateRows = RowCursor.forAll(pool.threads());
        upRows = RowCursor.forAll(pool.threads());
        hiddenRows = RowCursor.forAll(pool.threads());
        resultRows = RowCursor.forAll(pool.threads());
        inputs = new Scratch(pool.threads());
        values = new Scratch(pool.threads());
        slopes = new Scratch(pool.threads());
    }

    void forward(
            CpuTensor hidden,
            @Nullable CpuTensor gate,
            CpuTensor up,
            @Nullable CpuTensor scores,
            Activation activation,
            Gating gating) {
        set(hidden, gate, up, scores, activation, gating);
        pool.run(forward, (up.rows() + ITEM_ROWS - 1) / ITEM_ROWS);
        forget();
    }

    void backward(
            @Nullable CpuTensor dgate,
            CpuTensor dup,
            @Nullable CpuTensor dscores,
            CpuTensor dhidden,
            @Nullable CpuTensor gate,
            CpuTensor up,
            @Nullable CpuTensor scores,
            Activation activation,
            Gating gating) {
        set(dhidden, gate, up, scores, activation, gating);
        this.dgate = dgate;
        this.dup = dup;
        this.dscores = dscores;
        pool.run(backward, (up.rows() + ITEM_ROWS - 1) / ITEM_ROWS);
        forget();
    }

    private void set(
            CpuTensor hidden,
            @Nullable CpuTensor gate,
            CpuTensor up,
            @Nullable CpuTensor scores,
            Activation activation,
            Gating gating) {
        this.hidden = hidden;
        this.gate = gate;
        this.up = up;
        this.scores = scores;
        this.activation = activation;
        this.gating = gating;
    }

    private void forget() {
        hidden = null;
        gate = null;
        up = null;
        scores = null;
        dgate = null;
        dup = null;
        dscores = null;
    }

    private void forward(int item, int worker) {
        CpuTensor to = hidden;
        CpuTensor ups = up;
        if (to == null || ups == null) {
            return;
        }
        int count = ups.columns();
        float[] value = values.floats(worker, SlopeMath.padded(count));
        for (int t = item * ITEM_ROWS; t < Math.min(ups.rows(), (item + 1) * ITEM_ROWS); t++) {
            RowCursor in = upRows[worker].read(ups, t);
            RowCursor result = hiddenRows[worker].overwrite(to, t);
            RowCursor active = gate == null ? in : gateRows[worker].read(gate, t);
            System.arraycopy(active.values(), active.start(), value, 0, count);
            SlopeMath.activate(activation, value, count);
            if (gate != null) {
                multiply(in.values(), in.start(), value, result.values(), result.start(), count);
            } else {
                System.arraycopy(value, 0, result.values(), result.start(), count);
            }
            if (scores != null) {
                weigh(result.values(), result.start(), count, scores, t);
            }
            result.store(to, t);
        }
    }

    /** {@code x[f] *= r} of the neuron's expert. */
    private void weigh(float[] x, int start, int count, CpuTensor scores, int row) {
        int size = count / scores.columns();
        for (int g = 0; g < scores.columns(); g++) {
            float factor = factor(scores.floats()[scores.rowStart(row) + g]);
            if (factor != 1) {
                scale(x, start + g * size, size, factor);
            }
        }
    }

    private float factor(float score) {
        return gating.mode() == Gating.Mode.SOFT ? score : score > gating.threshold() ? 1f : 0f;
    }

    private static void scale(float[] x, int start, int count, float factor) {
        for (int i = 0; i < count; i++) {
            x[start + i] *= factor;
        }
    }

    private void backward(int item, int worker) {
        CpuTensor dhiddens = hidden;
        CpuTensor ups = up;
        CpuTensor toUp = dup;
        if (dhiddens == null || ups == null || toUp == null) {
            return;
        }
        int count = ups.columns();
        float[] input = inputs.floats(worker, SlopeMath.padded(count));
        float[] value = values.floats(worker, SlopeMath.padded(count));
        float[] slope = slopes.floats(worker, SlopeMath.padded(count));
        for (int t = item * ITEM_ROWS; t < Math.min(ups.rows(), (item + 1) * ITEM_ROWS); t++) {
            RowCursor dy = hiddenRows[worker].read(dhiddens, t);
            RowCursor in = upRows[worker].read(ups, t);
            RowCursor active = gate == null ? in : gateRows[worker].read(gate, t);
            System.arraycopy(active.values(), active.start(), input, 0, count);
            SlopeMath.activate(activation, input, count, value, slope);
            // From here on input is act(gate) * up or act(up) before r, value and slope what dhidden * r is multiplied
            // with.
            System.arraycopy(value, 0, input, 0, count);
            if (gate != null) {
                VectorMath.multiply(input, 0, in.values(), in.start(), count);
                VectorMath.multiply(slope, 0, in.values(), in.start(), count);
            }
            if (scores != null) {
                toScores(dy, input, count, scores, t);
                weigh(value, 0, count, scores, t);
                weigh(slope, 0, count, scores, t);
            }
            if (dgate != null) {
                RowCursor result = resultRows[worker].overwrite(dgate, t);
                multiply(dy.values(), dy.start(), slope, result.values(), result.start(), count);
                result.store(dgate, t);
            }
            RowCursor result = resultRows[worker].overwrite(toUp, t);
            multiply(dy.values(), dy.start(), gate == null ? slope : value, result.values(), result.start(), count);
            result.store(toUp, t);
        }
    }

    /** {@code dscores[t][g] = sum of dhidden * h} over the neurons of expert g, in double. */
    private void toScores(RowCursor dy, float[] h, int count, CpuTensor scores, int row) {
        CpuTensor to = dscores;
        if (to == null) {
            return;
        }
        int size = count / scores.columns();
        for (int g = 0; g < scores.columns(); g++) {
            double sum = TrainingSums.dot(dy.values(), dy.start() + g * size, h, g * size, size);
            to.floats()[to.rowStart(row) + g] = (float) sum;
        }
    }

    private static void multiply(float[] a, int aStart, float[] b, float[] product, int start, int count) {
        for (int i = 0; i < count; i++) {
            product[start + i] = a[aStart + i] * b[i];
        }
    }
}
