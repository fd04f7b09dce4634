package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;
import static dev.lte.cpu.TrainingAttentionKernel.QUERIES;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * The attention of {@value TrainingAttentionKernel#QUERIES} queries of one head to the keys of their sequence, with the scratch
 * of one worker. Scores and their gradients are {@code [key][32 queries]}. Keys are counted from the start of the sequence.
 */
final class AttentionBlock {
    private AttentionSpec spec = new AttentionSpec(1, 1, 1, 1, true, 0, 0);
    private int first;
    private int length;
    private int size;

    /** Keys as left factor, rows of depth E; in the backward pass values likewise. */
    private float[] keyTiles = {};

    private float[] valueTiles = {};
    /** Values as right factor of depth "keys"; in the backward pass keys likewise. */
    private float[] valuePanels = {};

    private float[] keyPanels = {};
    private float[] queryPanel = {};
    private float[] queryRows = {};
    private float[] doutPanel = {};
    private float[] doutRows = {};
    private float[] scores = {};
    private float[] dscores = {};
    private float[] tiles = {};
    private float[] result = {};
    private float[] dkeys = {};
    private float[] dvalues = {};
    private float[] row = {};
    private final float[] edge = new float[Tiles.ROWS * Tiles.COLUMNS];
    private final float[] largest = new float[QUERIES];
    private final float[] sums = new float[QUERIES];

    /** Turns to a key/value head of the sequence in rows {@code first} to {@code end}. */
    void begin(AttentionSpec spec, int first, int end, int keyHead, CpuTensor k, CpuTensor v) {
        this.spec = spec;
        this.first = first;
        length = end - first;
        size = spec.headSize();
        row = atLeast(row, Math.max(size, v.columns()));
        keyTiles = atLeast(keyTiles, Tiles.leftSize(length, size));
        TilePacking.leftAlong(k, first, length, keyHead * size, size, keyTiles, 0, row);
        valuePanels = atLeast(valuePanels, Tiles.rightSize(size, length));
        TilePacking.rightAcross(v, first, length, keyHead * size, size, valuePanels, 0, row);
        scores = atLeast(scores, length * QUERIES + L);
        tiles = atLeast(tiles, Math.max(Tiles.leftSize(QUERIES, length), Tiles.leftSize(length, QUERIES)));
        result = atLeast(result, QUERIES * size);
        queryPanel = atLeast(queryPanel, Tiles.rightSize(QUERIES, size));
    }

    /** As {@link #begin}, with gradients of keys and values at 0. */
    void beginBackward(AttentionSpec spec, int first, int end, int keyHead, CpuTensor k, CpuTensor v) {
        begin(spec, first, end, keyHead, k, v);
        valueTiles = atLeast(valueTiles, Tiles.leftSize(length, size));
        TilePacking.leftAlong(v, first, length, keyHead * size, size, valueTiles, 0, row);
        keyPanels = atLeast(keyPanels, Tiles.rightSize(size, length));
        TilePacking.rightAcross(k, first, length, keyHead * size, size, keyPanels, 0, row);
        dscores = atLeast(dscores, length * QUERIES);
        doutPanel = atLeast(doutPanel, Tiles.rightSize(QUERIES, size));
        queryRows = atLeast(queryRows, Tiles.rightSize(size, QUERIES));
        doutRows = atLeast(doutRows, Tiles.rightSize(size, QUERIES));
        dkeys = atLeast(dkeys, length * size);
        dvalues = atLeast(dvalues, length * size);
        Arrays.fill(dkeys, 0, length * size, 0f);
        Arrays.fill(dvalues, 0, length * size, 0f);
    }

    private static float[] atLeast(float[] buffer, int count) {
        return buffer.length >= count ? buffer : new float[Math.max(count, 2 * buffer.length)];
    }

    /** Output and log-sum-exp of the queries from {@code query} on of head h. */
    void forward(int h, int query, CpuTensor q, CpuTensor out, CpuTensor logSumExp) {
        int queries = Math.min(QUERIES, length - query);
        int from = fromTile(query);
        int to = toKey(query + queries - 1);
        score(h, query, queries, from, to, q);
        softmax(scores, from, to);
        int depth = to - from;
        TilePacking.leftAcross(scores, from * QUERIES, QUERIES, depth, queries, tiles, 0);
        Tiles.multiply(
                tiles,
                0,
                queries,
                valuePanels,
                from * Tiles.COLUMNS,
                size,
                length,
                depth,
                result,
                0,
                size,
                false,
                edge);
        for (int i = 0; i < queries; i++) {
            scale(result, i * size, size, 1 / sums[i]);
            int t = first + query + i;
            write(out, t, h * size, result, i * size);
            logSumExp.floats()[logSumExp.rowStart(t) + h] = (float) (largest[i] + Math.log(sums[i]));
        }
    }

    /** Adds to the gradients of keys and values and writes those of the queries. */
    void backward(int h, int query, CpuTensor q, CpuTensor dout, CpuTensor out, CpuTensor logSumExp, CpuTensor dq) {
        int queries = Math.min(QUERIES, length - query);
        int from = fromTile(query);
        int to = toKey(query + queries - 1);
        int depth = to - from;
        int row0 = first + query;
        score(h, query, queries, from, to, q);
        for (int i = 0; i < QUERIES; i++) {
            boolean exists = i < queries;
            largest[i] = exists ? logSumExp.floats()[logSumExp.rowStart(row0 + i) + h] : 0;
            sums[i] = exists ? delta(dout, out, row0 + i, h * size) : 0;
        }
        TilePacking.rightAlong(dout, row0, queries, h * size, size, doutPanel, 0, row);
        Tiles.multiply(
                valueTiles,
                from * size,
                depth,
                doutPanel,
                0,
                QUERIES,
                size,
                size,
                dscores,
                from * QUERIES,
                QUERIES,
                false,
                edge);
        float cap = spec.softcap() > 0 ? 1 / spec.softcap() : 0;
        differentiate(scores, dscores, from * QUERIES, to * QUERIES, largest, sums, cap, spec.scale());
        TilePacking.rightAcross(dout, row0, queries, h * size, size, doutRows, 0, row);
        TilePacking.leftAlong(scores, from * QUERIES, QUERIES, depth, queries, tiles, 0);
        Tiles.multiply(tiles, 0, depth, doutRows, 0, size, queries, queries, dvalues, from * size, size, true, edge);
        TilePacking.rightAcross(q, row0, queries, h * size, size, queryRows, 0, row);
        TilePacking.leftAlong(dscores, from * QUERIES, QUERIES, depth, queries, tiles, 0);
        Tiles.multiply(tiles, 0, depth, queryRows, 0, size, queries, queries, dkeys, from * size, size, true, edge);
        TilePacking.leftAcross(dscores, from * QUERIES, QUERIES, depth, queries, tiles, 0);
        Tiles.multiply(
                tiles, 0, queries, keyPanels, from * Tiles.COLUMNS, size, length, depth, result, 0, size, false, edge);
        for (int i = 0; i < queries; i++) {
            write(dq, row0 + i, h * size, result, i * size);
        }
    }

    /** Writes the gradients of keys and values. */
    void endBackward(int keyHead, CpuTensor dk, CpuTensor dv) {
        for (int s = 0; s < length; s++) {
            write(dk, first + s, keyHead * size, dkeys, s * size);
            write(dv, first + s, keyHead * size, dvalues, s * size);
        }
    }

    void clear(CpuTensor tensor, int t) {
        row = atLeast(row, tensor.columns());
        Arrays.fill(row, 0, tensor.columns(), 0f);
        tensor.writeRow(t, 0, tensor.columns(), row, 0);
    }

    private void write(CpuTensor tensor, int t, int column, float[] values, int start) {
        if (tensor.dtype() == DType.F32) {
            System.arraycopy(values, start, tensor.floats(), tensor.rowStart(t) + column, size);
        } else {
            tensor.writeRow(t, column, size, values, start);
        }
    }

    private int window() {
        return spec.window() == 0 ? Integer.MAX_VALUE : spec.window();
    }

    private int fromKey(int query) {
        return Math.max(0, query - window() + 1);
    }

    private int toKey(int query) {
        return spec.causal() ? query + 1 : (int) Math.min(length, (long) query + window());
    }

    /** The first key that the block computes: keys come in whole tiles. */
    private int fromTile(int query) {
        return fromKey(query) / Tiles.ROWS * Tiles.ROWS;
    }

    /** Scaled and capped scores of the queries for keys {@code from} to {@code to}; negative infinity where they do not see. */
    private void score(int h, int query, int queries, int from, int to, CpuTensor q) {
        TilePacking.rightAlong(q, first + query, queries, h * size, size, queryPanel, 0, row);
        scale(queryPanel, 0, QUERIES * size, spec.scale());
        Tiles.multiply(
                keyTiles,
                from * size,
                to - from,
                queryPanel,
                0,
                QUERIES,
                size,
                size,
                scores,
                from * QUERIES,
                QUERIES,
                false,
                edge);
        if (spec.softcap() > 0) {
            VectorMath.softcap(scores, from * QUERIES, (to - from) * QUERIES, spec.softcap());
        }
        for (int i = 0; i < queries; i++) {
            for (int s = from; s < Math.min(to, fromKey(query + i)); s++) {
                scores[s * QUERIES + i] = Float.NEGATIVE_INFINITY;
            }
            for (int s = Math.max(from, toKey(query + i)); s < to; s++) {
                scores[s * QUERIES + i] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    /** Replaces scores by {@code exp(score - largest)} and leaves maxima and sums of each query. */
    private void softmax(float[] x, int from, int to) {
        for (int i = 0; i < QUERIES; i += L) {
            maximum(x, from * QUERIES + i, to * QUERIES, largest, i);
            exponentials(x, from * QUERIES + i, to * QUERIES, largest, sums, i);
        }
    }

    /** Of a vector of queries. Loops over vectors stand in methods of their own, or C2 boxes what they carry. */
    private static void maximum(float[] x, int from, int to, float[] largest, int i) {
        FloatVector max = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        for (int at = from; at < to; at += QUERIES) {
            max = max.max(FloatVector.fromArray(F, x, at));
        }
        max.intoArray(largest, i);
    }

    private static void exponentials(float[] x, int from, int to, float[] largest, float[] sums, int i) {
        FloatVector max = FloatVector.fromArray(F, largest, i);
        FloatVector sum = FloatVector.zero(F);
        for (int at = from; at < to; at += QUERIES) {
            FloatVector e = VectorMath.exp(FloatVector.fromArray(F, x, at).sub(max));
            e.intoArray(x, at);
            sum = sum.add(e);
        }
        sum.intoArray(sums, i);
    }

    /**
     * Replaces scores s by {@code p = exp(s - logSumExp)} and the gradients dp of p by {@code p * (dp - delta) * cap' * scale}:
     * for a capped score {@code cap' = 1 - (s / cap)^2}.
     */
    private static void differentiate(
            float[] s, float[] dp, int from, int to, float[] logSumExp, float[] delta, float inverseCap, float scale) {
        for (int i = 0; i < QUERIES; i += L) {
            differentiate(s, dp, from + i, to, logSumExp, delta, i, inverseCap, scale);
        }
    }

    private static void differentiate(
            float[] s,
            float[] dp,
            int from,
            int to,
            float[] logSumExp,
            float[] delta,
            int i,
            float inverseCap,
            float scale) {
        FloatVector lse = FloatVector.fromArray(F, logSumExp, i);
        FloatVector d = FloatVector.fromArray(F, delta, i);
        for (int at = from; at < to; at += QUERIES) {
            FloatVector score = FloatVector.fromArray(F, s, at);
            FloatVector p = VectorMath.exp(score.sub(lse));
            p.intoArray(s, at);
            // Scores at negative infinity are not seen: exp leaves next to nothing of them, whatever the slope of the
            // cap.
            FloatVector capped = score.max(-1e30f).mul(inverseCap).max(-1f);
            FloatVector slope = capped.mul(capped).neg().add(1f).mul(scale);
            FloatVector.fromArray(F, dp, at).sub(d).mul(p).mul(slope).intoArray(dp, at);
        }
    }

    /** {@code sum of dout * out} of one head of a row. */
    private float delta(CpuTensor dout, CpuTensor out, int t, int column) {
        if (dout.dtype() == DType.F32 && out.dtype() == DType.F32) {
            int at = dout.rowStart(t) + column;
            return (float) TrainingSums.dot(dout.floats(), at, out.floats(), out.rowStart(t) + column, size);
        }
        row = atLeast(row, 2 * size);
        dout.readRow(t, column, size, row, 0);
        out.readRow(t, column, size, row, size);
        return (float) TrainingSums.dot(row, 0, row, size, size);
    }

    private static void scale(float[] x, int start, int count, float factor) {
        for (int i = 0; i < count; i++) {
            x[start + i] *= factor;
        }
    }
}
