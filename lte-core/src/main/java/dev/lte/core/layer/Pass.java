package dev.lte.core.layer;

import dev.lte.backend.ExpertSelection;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The tensors of a pass over T rows: inputs that the host writes before it, activations that the layers overwrite. Views of
 * a {@link Workspace}; nothing is kept for a backward pass.
 */
public final class Pass {
    private final Workspace all;
    private final int rows;
    private final Tensor ids;
    private final Tensor positionIds;
    private final Tensor typeIds;
    private final RowBatch batch;
    private final Tensor x;
    private final Tensor normed;
    private final Tensor branch;
    private final Tensor qkv;
    private final Tensor queries;
    private final Tensor keys;
    private final Tensor queriesAndKeys;
    private final Tensor values;
    private final Tensor attended;
    private final Tensor scores;
    private final Tensor thresholds;
    private final Tensor counts;
    private final List<ExpertSelection> selections;

    Pass(Workspace all, int rows) {
        this.all = all;
        this.rows = rows;
        ids = first(all.ids);
        positionIds = first(all.positionIds);
        typeIds = first(all.typeIds);
        RowBatch everything = all.batch;
        batch = new RowBatch(
                first(everything.positions()),
                first(everything.sequences()),
                everything.pageTable(),
                everything.pageSize());
        x = first(all.x);
        normed = first(all.normed);
        branch = first(all.branch);
        qkv = first(all.qkv);
        int queryColumns = all.queryColumns;
        int keyColumns = all.keyColumns;
        queries = qkv.columnRange(0, queryColumns);
        keys = qkv.columnRange(queryColumns, queryColumns + keyColumns);
        queriesAndKeys = qkv.columnRange(0, queryColumns + keyColumns);
        values = qkv.columnRange(queryColumns + keyColumns, queryColumns + 2 * keyColumns);
        attended = first(all.attended);
        scores = first(all.scores);
        thresholds = first(all.thresholds);
        counts = all.counts.rowRange(0, all.layers * rows);
        selections = IntStream.range(0, all.layers)
                .mapToObj(layer ->
                        new ExpertSelection(first(all.experts), counts.rowRange(layer * rows, (layer + 1) * rows)))
                .toList();
    }

    private Tensor first(Tensor tensor) {
        return tensor.rowRange(0, Math.min(rows, tensor.rows()));
    }

    public int rows() {
        return rows;
    }

    /** (T, 1) I32, written by the host. */
    public Tensor ids() {
        return ids;
    }

    /** (T, 1) I32, written by the host. */
    public Tensor positions() {
        return batch.positions();
    }

    /** (T, 1) I32, written by the host where positions are learned: positions plus the family's offset. */
    public Tensor positionIds() {
        return positionIds;
    }

    /** (T, 1) I32, always 0. */
    Tensor typeIds() {
        return typeIds;
    }

    /** (B + 1, 1) I32, written by the host for passes without a cache. */
    public Tensor starts() {
        return all.starts;
    }

    /** Positions, sequences and the page table of all sequences, written by the host for passes with a cache. */
    public RowBatch batch() {
        return batch;
    }

    /** (T, 1) F32, each row's tau, written by the host if the pass is routed. */
    public Tensor thresholds() {
        return thresholds;
    }

    /** (T, D), the residual stream; the last hidden state after the pass. */
    public Tensor x() {
        return x;
    }

    Tensor normed() {
        return normed;
    }

    Tensor branch() {
        return branch;
    }

    Tensor qkv() {
        return qkv;
    }

    Tensor queries() {
        return queries;
    }

    Tensor keys() {
        return keys;
    }

    Tensor queriesAndKeys() {
        return queriesAndKeys;
    }

    Tensor values() {
        return values;
    }

    Tensor attended() {
        return attended;
    }

    /** (T, N). */
    Tensor scores() {
        return scores;
    }

    /** Whether experts are chosen by routers. */
    public boolean isRouted() {
        return all.routed;
    }

    ExpertSelection selection(int layer) {
        return selections.get(layer);
    }

    /** (layers x T, 1) I32: how many experts of each layer ran for each row; undefined if the pass is not routed. */
    public Tensor activeExperts() {
        return counts;
    }
}
