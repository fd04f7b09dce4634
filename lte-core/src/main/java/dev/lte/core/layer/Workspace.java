package dev.lte.core.layer;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.core.arch.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * All memory that passes need besides weights and cache, allocated once for the largest pass. A pass of fewer rows uses the
 * first rows of every tensor; the views are made once for each number of rows. Not thread-safe: one pass at a time.
 */
public final class Workspace {
    final int layers;
    final int queryColumns;
    final int keyColumns;
    final boolean routed;
    final Tensor ids;
    final Tensor positionIds;
    final Tensor typeIds;
    final Tensor starts;
    final RowBatch batch;
    final Tensor x;
    final Tensor normed;
    final Tensor branch;
    final Tensor qkv;
    final Tensor attended;
    final Tensor scores;
    final Tensor thresholds;
    final Tensor experts;
    final Tensor counts;
    private final Tensor logitIndices;
    private final Tensor gathered;
    private final Tensor logitNormed;
    private final Tensor logits;
    private final Tensor best;
    private final @Nullable Pass[] passes;
    private final @Nullable LogitRows[] logitRows;

    /**
     * Sizes of a workspace.
     *
     * @param rows of the largest pass
     * @param logitRows most rows whose logits are computed at once
     * @param sequences lines of the page table, and most sequences of a pass without a cache
     * @param pages columns of the page table
     * @param pageSize positions in a page
     * @param routed whether routers choose experts
     */
    public record Sizes(int rows, int logitRows, int sequences, int pages, int pageSize, boolean routed) {}

    /** @param outputs V, columns of the logits */
    public Workspace(Backend backend, ModelConfig config, int outputs, Sizes sizes) {
        int rows = sizes.rows();
        int model = config.model();
        layers = config.layers().size();
        routed = sizes.routed();
        queryColumns = config.heads() * config.headSize();
        keyColumns = config.keyValueHeads() * config.headSize();
        ids = backend.allocate(DType.I32, rows, 1);
        positionIds = backend.allocate(DType.I32, rows, 1);
        typeIds = backend.allocate(DType.I32, rows, 1);
        starts = backend.allocate(DType.I32, sizes.sequences() + 1, 1);
        batch = new RowBatch(
                backend.allocate(DType.I32, rows, 1),
                backend.allocate(DType.I32, rows, 1),
                backend.allocate(DType.I32, sizes.sequences(), sizes.pages()),
                sizes.pageSize());
        x = backend.allocate(DType.F32, rows, model);
        normed = backend.allocate(DType.F32, rows, model);
        branch = backend.allocate(DType.F32, rows, model);
        qkv = backend.allocate(DType.F32, rows, queryColumns + 2 * keyColumns);
        attended = backend.allocate(DType.F32, rows, queryColumns);
        int experts = routed ? config.experts() : 0;
        scores = backend.allocate(DType.F32, rows, experts);
        thresholds = backend.allocate(DType.F32, rows, 1);
        this.experts = backend.allocate(DType.I32, rows, experts);
        counts = backend.allocate(DType.I32, rows * layers, 1);
        logitIndices = backend.allocate(DType.I32, sizes.logitRows(), 1);
        gathered = backend.allocate(DType.F32, sizes.logitRows(), model);
        logitNormed = backend.allocate(DType.F32, sizes.logitRows(), model);
        logits = backend.allocate(DType.F32, sizes.logitRows(), outputs);
        best = backend.allocate(DType.I32, sizes.logitRows(), 1);
        passes = new Pass[rows + 1];
        logitRows = new LogitRows[sizes.logitRows() + 1];
    }

    /** Rows of the largest pass. */
    public int maxRows() {
        return passes.length - 1;
    }

    public int maxLogitRows() {
        return logitRows.length - 1;
    }

    /** The pass over {@code rows} rows. */
    public Pass pass(int rows) {
        Pass pass = passes[rows];
        if (pass == null) {
            pass = new Pass(this, rows);
            passes[rows] = pass;
        }
        return pass;
    }

    /** Room for the logits of {@code rows} rows. */
    public LogitRows logits(int rows) {
        LogitRows result = logitRows[rows];
        if (result == null) {
            result = new LogitRows(
                    logitIndices.rowRange(0, rows),
                    gathered.rowRange(0, rows),
                    logitNormed.rowRange(0, rows),
                    logits.rowRange(0, rows),
                    best.rowRange(0, rows));
            logitRows[rows] = result;
        }
        return result;
    }
}
