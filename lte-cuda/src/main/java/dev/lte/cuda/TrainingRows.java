package dev.lte.cuda;

import dev.lte.backend.RopeSpec;

/** Embeddings, rotations and copies. */
final class TrainingRows {
    /** Ids, columns and rows of a block, as in train_rows.cu. */
    private static final int IDS = 16;

    private static final int WIDTH = 256;
    private static final int ROWS_PER_PART = 1024;

    private static final int ENOUGH_BLOCKS = 1056;
    private static final long MOST_PART_BYTES = 64L << 20;

    private final TrainingLaunch kernels;

    TrainingRows(TrainingLaunch kernels) {
        this.kernels = kernels;
    }

    /** {@code out[t] = scale * table[ids[t]]}. */
    void embed(CudaTensor out, CudaTensor table, CudaTensor ids, float scale, boolean add) {
        int width = TrainingLaunch.width(out.columns(), out, table);
        kernels.start().putTyped(out).putTyped(table).put(ids).put(table.rows()).put(out.rows());
        kernels.put(out.columns()).put(scale).put(add ? 1 : 0);
        kernels.runOver("trainEmbed_" + width, (long) out.rows() * out.columns() / width);
    }

    /** {@code out = x}. */
    void copy(CudaTensor out, CudaTensor x) {
        int width = TrainingLaunch.width(out.columns(), out, x);
        kernels.start().putTyped(out).putTyped(x).put(0L).put(0L).put(0).put(out.rows());
        kernels.put(out.columns()).put(1f).put(0);
        kernels.runOver("trainEmbed_" + width, (long) out.rows() * out.columns() / width);
    }

    /** {@code dtable[v] += scale * sum over t with ids[t] = v of dout[t]}; small tables take the rows in several parts. */
    void embedBackward(CudaTensor dtable, CudaTensor dout, CudaTensor ids, float scale) {
        int rows = dout.rows();
        int columns = dout.columns();
        int vocabulary = dtable.rows();
        if (rows == 0) {
            return;
        }
        int down = TrainingLaunch.blocks(vocabulary, IDS);
        int across = TrainingLaunch.blocks(columns, WIDTH);
        long partBytes = 4L * vocabulary * columns;
        int parts = Math.clamp(rows / ROWS_PER_PART, 1, Math.max(1, ENOUGH_BLOCKS / Math.max(1, down * across)));
        parts = Math.clamp(MOST_PART_BYTES / partBytes, 1, parts);
        int perPart = TrainingLaunch.blocks(rows, parts);
        boolean direct = parts == 1;
        long sums = direct ? dtable.address() : kernels.scratch(parts * partBytes);
        kernels.start()
                .put(sums)
                .put(direct ? dtable.stride() : columns)
                .put(direct ? 0L : (long) vocabulary * columns);
        kernels.putTyped(dout)
                .put(ids)
                .put(vocabulary)
                .put(rows)
                .put(columns)
                .put(scale)
                .put(perPart);
        kernels.run("trainScatter", down, across, parts, WIDTH);
        if (!direct) {
            kernels.addParts(dtable, sums, parts);
        }
    }

    /** @param direction 1, or -1 for the opposite angles */
    void rope(CudaTensor x, CudaTensor positions, CudaTensor table, RopeSpec spec, float direction) {
        int heads = x.columns() / spec.headSize();
        int pairs = spec.rotated() / 2;
        if (pairs == 0) {
            return;
        }
        kernels.start().putTyped(x).put(positions).put(table).put(table.rows()).put(x.rows());
        kernels.put(heads).put(spec.headSize()).put(pairs);
        kernels.put(spec.pairing() == RopeSpec.Pairing.HALVES ? 1 : 0).put(direction);
        kernels.runOver("trainRope", (long) x.rows() * heads * pairs);
    }
}
