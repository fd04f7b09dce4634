package dev.lte.cpu;

import dev.lte.backend.DType;
import org.jspecify.annotations.Nullable;

/**
 * The three products of a linear layer in training: {@code out = x w^T}, {@code dx = dout w} and {@code dw += dout^T x}, as one
 * blocked product {@code c (m, n) = a (m, k) b (k, n)} whose factors differ only in how they are packed.
 *
 * <p>A thread takes a block of rows by columns of c and goes down the depth k in equal steps: it packs the rows of the left
 * factor, which stay in the second-level cache, and the columns of the right one. Packing a right factor that has to be
 * transposed costs more, so the threads do it together once, 4 MiB at a time, before they multiply. The order of every sum
 * depends on the depth alone: results do not depend on the number of threads.
 */
final class ProductKernel {
    /** Longest step of depth. Longer ones lose the first-level cache, shorter ones read and write c more often. */
    private static final int DEPTH = 512;

    /** Columns of a right factor that are packed together. */
    private static final int SHARED_WIDTH = 2048;

    /** Columns of a right factor that a thread packs for itself. */
    private static final int OWN_WIDTH = 8 * Tiles.COLUMNS;

    /** Rows of an item. */
    private static final int HEIGHT = 40 * Tiles.ROWS;

    /** Which factors run along the depth; the others lie across it. */
    private enum Form {
        /** {@code a[i][c] = left[i][c]}, {@code b[c][j] = right[j][c]}. */
        FORWARD,
        /** {@code a[i][c] = left[i][c]}, {@code b[c][j] = right[c][j]}. */
        INPUT,
        /** {@code a[i][c] = left[c][i]}, {@code b[c][j] = right[c][j]}. */
        WEIGHT
    }

    private final WorkerPool pool;
    private final Scratch leftTiles;
    private final Scratch rightPanels;
    private final Scratch edges;
    private final Scratch decoded;
    private final WorkerPool.Task packing = this::packShared;
    private final WorkerPool.Task sharedProducts = this::multiplyShared;
    private final WorkerPool.Task ownProducts = this::multiplyOwn;
    private float[] panels = {};
    private float[] wide = {};
    private float[] bias = {};

    private @Nullable CpuTensor left;
    private @Nullable CpuTensor right;
    private Form form = Form.FORWARD;
    private float[] out = {};
    private int outStart;
    private int outStride;
    private int m;
    private int n;
    private int k;
    private boolean biased;
    private boolean add;
    /** The columns that are cut into items, of c and of the shared panels. */
    private int firstColumn;

    private int columns;
    /** The current or longest step of depth. */
    private int firstDepth;

    private int depth;
    private int columnItems;
    private int itemColumns;
    private int itemRows;

    ProductKernel(WorkerPool pool) {
        this.pool = pool;
        leftTiles = new Scratch(pool.threads());
        rightPanels = new Scratch(pool.threads());
        edges = new Scratch(pool.threads());
        decoded = new Scratch(pool.threads());
    }

    /** {@code out = x weight^T + bias}, or added to out: out (T, R), x (T, C), weight (R, C), bias (1, R). */
    void forward(CpuTensor out, CpuTensor x, CpuTensor weight, @Nullable CpuTensor bias, boolean add) {
        biased = bias != null;
        if (bias != null) {
            if (this.bias.length < bias.columns()) {
                this.bias = new float[bias.columns()];
            }
            bias.readRow(0, 0, bias.columns(), this.bias, 0);
        }
        run(Form.FORWARD, out, x, weight, x.columns(), add);
        biased = false;
    }

    /** {@code dx = dout weight}, or added to dx: dx (T, C), dout (T, R), weight (R, C). */
    void backwardInput(CpuTensor dx, CpuTensor dout, CpuTensor weight, boolean add) {
        run(Form.INPUT, dx, dout, weight, dout.columns(), add);
    }

    /** {@code dweight += dout^T x}: dweight (R, C), dout (T, R), x (T, C). */
    void backwardWeight(CpuTensor dweight, CpuTensor dout, CpuTensor x) {
        if (x.rows() > 0) {
            run(Form.WEIGHT, dweight, dout, x, x.rows(), true);
        }
    }

    private void run(Form form, CpuTensor out, CpuTensor left, CpuTensor right, int k, boolean add) {
        this.form = form;
        this.left = left;
        this.right = right;
        this.k = k;
        m = out.rows();
        n = out.columns();
        if (m == 0 || n == 0) {
            return;
        }
        begin(out, add);
        this.add = add || biased;
        int steps = Math.max(1, (k + DEPTH - 1) / DEPTH);
        int step = (k + steps - 1) / steps;
        if (form == Form.FORWARD) {
            for (firstDepth = 0; firstDepth < Math.max(k, 1); firstDepth += step) {
                depth = Math.min(step, k - firstDepth);
                for (firstColumn = 0; firstColumn < n; firstColumn += SHARED_WIDTH) {
                    columns = Math.min(SHARED_WIDTH, n - firstColumn);
                    runShared();
                }
                this.add = true;
            }
        } else {
            firstColumn = 0;
            columns = n;
            depth = step;
            pool.run(ownProducts, cut());
        }
        end(out);
        this.left = null;
        this.right = null;
    }

    private void runShared() {
        int size = Tiles.rightSize(columns, depth);
        if (panels.length < size) {
            panels = new float[size];
        }
        pool.run(packing, (columns + Tiles.COLUMNS - 1) / Tiles.COLUMNS);
        pool.run(sharedProducts, cut());
    }

    /** Points the sums at an F32 output, or at scratch for one that rounds, with what is to be added to already there. */
    private void begin(CpuTensor out, boolean add) {
        if (out.dtype() == DType.F32) {
            this.out = out.floats();
            outStart = out.rowStart(0);
            outStride = out.stride();
        } else {
            int size = Math.multiplyExact(m, n);
            if (wide.length < size) {
                wide = new float[size];
            }
            this.out = wide;
            outStart = 0;
            outStride = n;
            for (int i = 0; i < m && add; i++) {
                out.readRow(i, 0, n, wide, i * n);
            }
        }
        for (int i = 0; i < m && biased; i++) {
            startWithBias(outStart + i * outStride, add);
        }
    }

    private void startWithBias(int at, boolean add) {
        float[] to = out;
        if (add) {
            for (int j = 0; j < n; j++) {
                to[at + j] += bias[j];
            }
        } else {
            System.arraycopy(bias, 0, to, at, n);
        }
    }

    private void end(CpuTensor out) {
        for (int i = 0; i < m && out.dtype() != DType.F32; i++) {
            out.writeRow(i, 0, n, wide, i * n);
        }
        this.out = wide;
    }

    /** Items of many rows, unless there are too few of them for all threads: then also of fewer columns and rows. */
    private int cut() {
        int panelCount = (columns + Tiles.COLUMNS - 1) / Tiles.COLUMNS;
        int wanted = pool.threads() == 1 ? 1 : 4 * pool.threads();
        int rowItems = (m + HEIGHT - 1) / HEIGHT;
        int groups = Math.min(panelCount, (wanted + rowItems - 1) / rowItems);
        int groupPanels = (panelCount + groups - 1) / groups;
        itemColumns = groupPanels * Tiles.COLUMNS;
        columnItems = (panelCount + groupPanels - 1) / groupPanels;
        int tiles = (m + Tiles.ROWS - 1) / Tiles.ROWS;
        int rowsWanted = Math.max(rowItems, Math.min(tiles, (wanted + columnItems - 1) / columnItems));
        itemRows = (tiles + rowsWanted - 1) / rowsWanted * Tiles.ROWS;
        return columnItems * ((m + itemRows - 1) / itemRows);
    }

    private void packShared(int item, int worker) {
        CpuTensor from = right;
        if (from == null) {
            return;
        }
        int column = item * Tiles.COLUMNS;
        int count = Math.min(Tiles.COLUMNS, columns - column);
        TilePacking.rightAlong(
                from,
                firstColumn + column,
                count,
                firstDepth,
                depth,
                panels,
                column * depth,
                decoded.floats(worker, DEPTH));
    }

    private void multiplyShared(int item, int worker) {
        CpuTensor from = left;
        if (from == null) {
            return;
        }
        int row = item / columnItems * itemRows;
        int rows = Math.min(itemRows, m - row);
        int column = item % columnItems * itemColumns;
        float[] tiles = leftTiles.floats(worker, Tiles.leftSize(rows, depth));
        TilePacking.leftAlong(from, row, rows, firstDepth, depth, tiles, 0, decoded.floats(worker, DEPTH));
        Tiles.multiply(
                tiles,
                0,
                rows,
                panels,
                column * depth,
                Math.min(itemColumns, columns - column),
                depth,
                depth,
                out,
                outStart + row * outStride + firstColumn + column,
                outStride,
                add,
                edges.floats(worker, Tiles.ROWS * Tiles.COLUMNS));
    }

    private void multiplyOwn(int item, int worker) {
        CpuTensor a = left;
        CpuTensor b = right;
        if (a == null || b == null) {
            return;
        }
        int row = item / columnItems * itemRows;
        int rows = Math.min(itemRows, m - row);
        int firstOfItem = item % columnItems * itemColumns;
        int end = Math.min(firstOfItem + itemColumns, n);
        float[] row0 = decoded.floats(worker, Math.max(DEPTH, HEIGHT));
        float[] edge = edges.floats(worker, Tiles.ROWS * Tiles.COLUMNS);
        float[] tiles = leftTiles.floats(worker, Tiles.leftSize(rows, depth));
        float[] own = rightPanels.floats(worker, Tiles.rightSize(Math.min(OWN_WIDTH, itemColumns), depth));
        for (int from = 0; from < Math.max(k, 1); from += depth) {
            int length = Math.min(depth, k - from);
            if (form == Form.WEIGHT) {
                TilePacking.leftAcross(a, from, length, row, rows, tiles, 0, row0);
            } else {
                TilePacking.leftAlong(a, row, rows, from, length, tiles, 0, row0);
            }
            for (int column = firstOfItem; column < end; column += OWN_WIDTH) {
                int width = Math.min(OWN_WIDTH, end - column);
                TilePacking.rightAcross(b, from, length, column, width, own, 0, row0);
                int at = outStart + row * outStride + column;
                Tiles.multiply(
                        tiles, 0, rows, own, 0, width, length, length, out, at, outStride, add || from > 0, edge);
            }
        }
    }
}
