package dev.lte.core.reference;

import dev.lte.backend.Activation;
import dev.lte.backend.Write;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;

/** Operations that look at one row or one element at a time. */
final class ReferenceRows {
    private ReferenceRows() {}

    /** {@code out[t] = scale * table[ids[t]]}: out (T, D), table (V, D), ids (T, 1) clamped into the table. */
    static void embed(ReferenceTensor out, ReferenceTensor table, ReferenceTensor ids, float scale, Write write) {
        for (int t = 0; t < out.rows(); t++) {
            float[] row = table.row(Math.clamp(ids.integer(t, 0), 0, table.rows() - 1));
            double[] result = new double[row.length];
            for (int i = 0; i < row.length; i++) {
                result[i] = (double) scale * row[i];
            }
            out.store(t, result, write);
        }
    }

    /** {@code dtable[v] += scale * sum over t with ids[t] = v of dout[t]}: shapes and clamping as {@link #embed}. */
    static void embedBackward(ReferenceTensor dtable, ReferenceTensor dout, ReferenceTensor ids, float scale) {
        Map<Integer, double[]> sums = new LinkedHashMap<>();
        for (int t = 0; t < dout.rows(); t++) {
            int id = Math.clamp(ids.integer(t, 0), 0, dtable.rows() - 1);
            double[] sum = sums.computeIfAbsent(id, key -> new double[dtable.columns()]);
            float[] row = dout.row(t);
            for (int i = 0; i < row.length; i++) {
                sum[i] += (double) scale * row[i];
            }
        }
        sums.forEach((id, sum) -> dtable.store(id, sum, Write.ADD));
    }

    /** {@code out[s] = x[rows[s]]}: out (S, D), x (T, D), rows (S, 1) clamped into x. */
    static void gather(ReferenceTensor out, ReferenceTensor x, ReferenceTensor rows) {
        for (int s = 0; s < out.rows(); s++) {
            out.writeRow(s, x.row(Math.clamp(rows.integer(s, 0), 0, x.rows() - 1)), 0);
        }
    }

    /** {@code y = y + x}, both (T, D). */
    static void add(ReferenceTensor y, ReferenceTensor x) {
        for (int t = 0; t < y.rows(); t++) {
            float[] sum = y.row(t);
            float[] row = x.row(t);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += row[i];
            }
            y.writeRow(t, sum, 0);
        }
    }

    /** {@code sum = x + y}, all (T, D). */
    static void sum(ReferenceTensor sum, ReferenceTensor x, ReferenceTensor y) {
        for (int t = 0; t < sum.rows(); t++) {
            float[] row = x.row(t);
            float[] other = y.row(t);
            for (int i = 0; i < row.length; i++) {
                row[i] += other[i];
            }
            sum.writeRow(t, row, 0);
        }
    }

    static void fill(ReferenceTensor x, float value) {
        float[] row = new float[x.columns()];
        Arrays.fill(row, value);
        for (int t = 0; t < x.rows(); t++) {
            x.writeRow(t, row, 0);
        }
    }

    /** {@code out = x}, rounded to the type of out. */
    static void copy(ReferenceTensor out, ReferenceTensor x) {
        for (int t = 0; t < x.rows(); t++) {
            out.writeRow(t, x.row(t), 0);
        }
    }

    /** {@code x = act(x)}, (T, D). */
    static void activate(ReferenceTensor x, Activation activation) {
        map(x, value -> ReferenceMath.activate(activation, value));
    }

    /** {@code x = cap * tanh(x / cap)}, (T, D). */
    static void softcap(ReferenceTensor x, float cap) {
        map(x, value -> cap * Math.tanh(value / cap));
    }

    private static void map(ReferenceTensor x, DoubleUnaryOperator function) {
        for (int t = 0; t < x.rows(); t++) {
            float[] row = x.row(t);
            for (int i = 0; i < row.length; i++) {
                row[i] = (float) function.applyAsDouble(row[i]);
            }
            x.writeRow(t, row, 0);
        }
    }

    /** The index of each row's largest element, the lowest on a tie, no NaN: ids (T, 1), logits (T, V). */
    static void argmax(ReferenceTensor ids, ReferenceTensor logits) {
        for (int t = 0; t < logits.rows(); t++) {
            float[] row = logits.row(t);
            int best = 0;
            for (int v = 1; v < row.length; v++) {
                if (row[v] > row[best] || Float.isNaN(row[best]) && !Float.isNaN(row[v])) {
                    best = v;
                }
            }
            ids.setInteger(t, 0, best);
        }
    }
}
