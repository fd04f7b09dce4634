package dev.lte.core.contract;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * A key/value cache of one layer on one side, its pages handed out in random order, with a value where nothing was appended that would win every softmax and
 * page numbers from nowhere where nothing was promised.
 */
final class PagedCache {
    private static final int PADDING_SEQUENCE = 99;
    private static final float NOTHING = 30_000;

    private final Side side;
    private final AttentionSpec spec;
    private final int pageSize;
    private final int sequences;
    private final int pagesEach;
    private final int[] pageNumbers;
    private final Output keys;
    private final Output values;
    private int passes;

    /** Room for {@code positions} positions of each sequence. */
    PagedCache(Side side, AttentionSpec spec, DType dtype, int pageSize, int sequences, int positions) {
        this.side = side;
        this.spec = spec;
        this.pageSize = pageSize;
        this.sequences = sequences;
        pagesEach = (positions + pageSize - 1) / pageSize;
        int pages = sequences * pagesEach + 2;
        pageNumbers = Arrays.copyOf(Values.shuffled(side.random(), pages), sequences * pagesEach);
        int columns = spec.keyValueHeads() * spec.headSize();
        float[] nothing = new float[pages * pageSize * columns];
        Arrays.fill(nothing, NOTHING);
        keys = side.changing("key cache", dtype, nothing, pages * pageSize, columns);
        values = side.changing("value cache", dtype, nothing, pages * pageSize, columns);
    }

    /**
     * Appends random keys and values for these rows and attends to them.
     *
     * @param rows sequence and position of each row; position -1 for padding
     * @param error relative error of products
     */
    void pass(int[][] rows, double error) {
        RandomGenerator random = side.random();
        int t = rows.length;
        int keyColumns = spec.keyValueHeads() * spec.headSize();
        int queryColumns = spec.heads() * spec.headSize();
        // Queries, keys and values are slices of one projection, as in a model.
        int width = queryColumns + 2 * keyColumns;
        float[] projected = Values.normal(random, t * width);
        int[] positions = new int[t];
        int[] lines = new int[t];
        int[] used = new int[sequences];
        for (int i = 0; i < t; i++) {
            positions[i] = rows[i][1];
            lines[i] = positions[i] < 0 ? PADDING_SEQUENCE : rows[i][0];
            if (positions[i] < 0) {
                Arrays.fill(projected, i * width, (i + 1) * width, Float.NaN);
            } else {
                used[lines[i]] = Math.max(used[lines[i]], positions[i] / pageSize + 1);
            }
        }
        int[] table = pageNumbers.clone();
        for (int s = 0; s < sequences; s++) {
            Arrays.fill(table, s * pagesEach + used[s], (s + 1) * pagesEach, random.nextBoolean() ? -3 : 1 << 28);
        }
        RowBatch batch = new RowBatch(
                side.input(positions, t, 1),
                side.input(lines, t, 1),
                side.input(table, sequences, pagesEach),
                pageSize);
        Tensor all = side.input(projected, t, width);
        Tensor q = all.columnRange(0, queryColumns);
        Tensor k = all.columnRange(queryColumns, queryColumns + keyColumns);
        Tensor v = all.columnRange(queryColumns + keyColumns, width);
        Output out = side.output("out of pass " + passes++, t, queryColumns);
        side.queue().appendKeyValue(keys.tensor(), values.tensor(), k, v, batch);
        side.queue().attention(out.tensor(), q, keys.tensor(), values.tensor(), batch, spec);
        Bound bound = Bound.lazily(() -> new AttentionBound(
                side.read(q), appended(side.read(keys.tensor())), appended(side.read(values.tensor())), spec, error));
        out.within((row, column, expected) ->
                positions[row] < 0 ? Double.POSITIVE_INFINITY : bound.allowed(row, column, expected));
    }

    /** Without what was in the cache before, which would make every bound meaningless. */
    private static float[] appended(float[] cache) {
        for (int i = 0; i < cache.length; i++) {
            cache[i] = cache[i] > NOTHING / 2 ? 0 : cache[i];
        }
        return cache;
    }

    /** Rows for positions {@code from} to {@code to} of one sequence. */
    static int[][] chunk(int sequence, int from, int to) {
        int[][] rows = new int[to - from][];
        for (int p = from; p < to; p++) {
            rows[p - from] = new int[] {sequence, p};
        }
        return rows;
    }

    static int[][] together(int[][]... chunks) {
        return Arrays.stream(chunks).flatMap(Arrays::stream).toArray(int[][]::new);
    }

    static int[][] padding(int rows) {
        int[][] padding = new int[rows][];
        Arrays.fill(padding, new int[] {0, -1});
        return padding;
    }
}
