package dev.lte.cpu;

import dev.lte.backend.RopeSpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Operations of training that copy, add or change rows element by element. */
final class TrainingRowKernel {
    private static final int ITEM_ROWS = 16;

    /** Columns of an item where rows are added up: eight lines of cache. */
    private static final int ITEM_COLUMNS = 128;

    private final WorkerPool pool;
    private final RowCursor[] inRows;
    private final RowCursor[] outRows;
    private final Scratch rows;
    private final WorkerPool.Task embedding = this::embed;
    private final WorkerPool.Task scattering = this::scatter;
    private final WorkerPool.Task rotating = this::rotate;
    private final WorkerPool.Task copying = this::copy;
    private final WorkerPool.Task sigmoids = this::sigmoidBackward;

    private @Nullable CpuTensor out;
    private @Nullable CpuTensor x;
    private @Nullable CpuTensor table;
    private @Nullable CpuTensor ids;
    private @Nullable RopeSpec spec;
    private float scale;
    private boolean add;

    TrainingRowKernel(WorkerPool pool) {
        this.pool = pool;
        inRows = RowCursor.forAll(pool.threads());
        outRows = RowCursor.forAll(pool.threads());
        rows = new Scratch(pool.threads());
    }

    /** {@code out[t] = scale * table[ids[t]]}, or added to out. */
    void embed(CpuTensor out, CpuTensor table, CpuTensor ids, float scale, boolean add) {
        set(out, null, table, ids, scale, add);
        pool.run(embedding, (out.rows() + ITEM_ROWS - 1) / ITEM_ROWS);
        forget();
    }

    /** {@code dtable[ids[t]] += scale * dout[t]}, each item some columns of all rows in order. */
    void embedBackward(CpuTensor dtable, CpuTensor dout, CpuTensor ids, float scale) {
        set(null, dout, dtable, ids, scale, true);
        pool.run(scattering, (dout.columns() + ITEM_COLUMNS - 1) / ITEM_COLUMNS);
        forget();
    }

    /** {@code sum += sum over t of x[t]}. */
    void addRows(CpuTensor sum, CpuTensor x) {
        set(null, x, sum, null, 1, true);
        pool.run(scattering, (x.columns() + ITEM_COLUMNS - 1) / ITEM_COLUMNS);
        forget();
    }

    /** Rotates by the angles of the rows' positions; padding stays. */
    void rotate(CpuTensor x, CpuTensor positions, CpuTensor table, RopeSpec spec, boolean backward) {
        set(x, null, table, positions, backward ? -1 : 1, false);
        this.spec = spec;
        pool.run(rotating, (x.rows() + ITEM_ROWS - 1) / ITEM_ROWS);
        forget();
    }

    /** {@code out = x}. */
    void copy(CpuTensor out, CpuTensor x) {
        set(out, x, null, null, 1, false);
        pool.run(copying, (x.rows() + ITEM_ROWS - 1) / ITEM_ROWS);
        forget();
    }

    /** {@code x = value}. */
    void fill(CpuTensor x, float value) {
        scale = value;
        for (int t = 0; t < x.rows(); t++) {
            RowCursor row = outRows[0].overwrite(x, t);
            Arrays.fill(row.values(), row.start(), row.start() + x.columns(), value);
            row.store(x, t);
        }
    }

    /** {@code x = sigmoid(x)}, F32. */
    void sigmoid(CpuTensor x) {
        for (int t = 0; t < x.rows(); t++) {
            SlopeMath.sigmoid(x.floats(), x.rowStart(t), x.columns());
        }
    }

    /** {@code dlogits = dscores * scores * (1 - scores)}. */
    void sigmoidBackward(CpuTensor dlogits, CpuTensor dscores, CpuTensor scores) {
        set(dlogits, dscores, scores, null, 1, false);
        pool.run(sigmoids, (dlogits.rows() + ITEM_ROWS - 1) / ITEM_ROWS);
        forget();
    }

    private void set(
            @Nullable CpuTensor out,
            @Nullable CpuTensor x,
            @Nullable CpuTensor table,
            @Nullable CpuTensor ids,
            float scale,
            boolean add) {
        this.out = out;
        this.x = x;
        this.table = table;
        this.ids = ids;
        this.scale = scale;
        this.add = add;
    }

    private void forget() {
        out = null;
        x = null;
        table = null;
        ids = null;
    }

    private void embed(int item, int worker) {
        CpuTensor to = out;
        CpuTensor from = table;
        CpuTensor rowIds = ids;
        if (to == null || from == null || rowIds == null) {
            return;
        }
        for (int t = item * ITEM_ROWS; t < Math.min(to.rows(), (item + 1) * ITEM_ROWS); t++) {
            RowCursor in = inRows[worker].read(from, id(rowIds, t, from));
            RowCursor result = add ? outRows[worker].read(to, t) : outRows[worker].overwrite(to, t);
            if (add) {
                addScaled(result.values(), result.start(), in.values(), in.start(), to.columns(), scale);
            } else {
                scale(result.values(), result.start(), in.values(), in.start(), to.columns(), scale);
            }
            result.store(to, t);
        }
    }

    private static int id(CpuTensor ids, int t, CpuTensor table) {
        return Math.clamp(ids.ints()[ids.rowStart(t)], 0, table.rows() - 1);
    }

    private void scatter(int item, int worker) {
        CpuTensor from = x;
        CpuTensor to = table;
        if (from == null || to == null) {
            return;
        }
        int column = item * ITEM_COLUMNS;
        int count = Math.min(ITEM_COLUMNS, from.columns() - column);
        float[] row = rows.floats(worker, ITEM_COLUMNS);
        for (int t = 0; t < from.rows(); t++) {
            from.readRow(t, column, count, row, 0);
            int target = ids == null ? 0 : id(ids, t, to);
            addScaled(to.floats(), to.rowStart(target) + column, row, 0, count, scale);
        }
    }

    private static void addScaled(float[] sum, int sumStart, float[] x, int start, int count, float scale) {
        for (int i = 0; i < count; i++) {
            sum[sumStart + i] += scale * x[start + i];
        }
    }

    private static void scale(float[] to, int toStart, float[] x, int start, int count, float scale) {
        for (int i = 0; i < count; i++) {
            to[toStart + i] = scale * x[start + i];
        }
    }

    private void rotate(int item, int worker) {
        CpuTensor target = out;
        CpuTensor angles = table;
        CpuTensor positions = ids;
        RopeSpec shape = spec;
        if (target == null || angles == null || positions == null || shape == null) {
            return;
        }
        int pairs = shape.rotated() / 2;
        boolean halves = shape.pairing() == RopeSpec.Pairing.HALVES;
        float[] split = rows.floats(worker, 2 * pairs);
        for (int t = item * ITEM_ROWS; t < Math.min(target.rows(), (item + 1) * ITEM_ROWS); t++) {
            int position = positions.ints()[positions.rowStart(t)];
            if (position < 0) {
                continue;
            }
            int angle = angles.rowStart(Math.min(position, angles.rows() - 1));
            for (int i = 0; i < pairs; i++) {
                split[i] = angles.floats()[angle + 2 * i];
                split[pairs + i] = scale * angles.floats()[angle + 2 * i + 1];
            }
            RowCursor row = outRows[worker].read(target, t);
            for (int head = 0; head < target.columns(); head += shape.headSize()) {
                if (halves) {
                    rotateHalves(row.values(), row.start() + head, pairs, split);
                } else {
                    rotateAdjacent(row.values(), row.start() + head, pairs, split);
                }
            }
            row.store(target, t);
        }
    }

    private static void rotateHalves(float[] x, int start, int pairs, float[] split) {
        for (int i = 0; i < pairs; i++) {
            float a = x[start + i];
            float b = x[start + pairs + i];
            x[start + i] = a * split[i] - b * split[pairs + i];
            x[start + pairs + i] = b * split[i] + a * split[pairs + i];
        }
    }

    private static void rotateAdjacent(float[] x, int start, int pairs, float[] split) {
        for (int i = 0; i < pairs; i++) {
            float a = x[start + 2 * i];
            float b = x[start + 2 * i + 1];
            x[start + 2 * i] = a * split[i] - b * split[pairs + i];
            x[start + 2 * i + 1] = b * split[i] + a * split[pairs + i];
        }
    }

    private void copy(int item, int worker) {
        CpuTensor to = out;
        CpuTensor from = x;
        if (to == null || from == null) {
            return;
        }
        for (int t = item * ITEM_ROWS; t < Math.min(from.rows(), (item + 1) * ITEM_ROWS); t++) {
            RowCursor in = inRows[worker].read(from, t);
            to.writeRow(t, 0, to.columns(), in.values(), in.start());
        }
    }

    private void sigmoidBackward(int item, int worker) {
        CpuTensor to = out;
        CpuTensor dscores = x;
        CpuTensor scores = table;
        if (to == null || dscores == null || scores == null) {
            return;
        }
        for (int t = item * ITEM_ROWS; t < Math.min(to.rows(), (item + 1) * ITEM_ROWS); t++) {
            RowCursor result = outRows[worker].overwrite(to, t);
            float[] score = scores.floats();
            float[] dscore = dscores.floats();
            int at = scores.rowStart(t);
            int from = dscores.rowStart(t);
            for (int g = 0; g < to.columns(); g++) {
                result.values()[result.start() + g] = dscore[from + g] * score[at + g] * (1 - score[at + g]);
            }
            result.store(to, t);
        }
    }
}
