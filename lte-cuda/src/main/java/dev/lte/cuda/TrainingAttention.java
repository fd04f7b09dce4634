package dev.lte.cuda;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import org.bytedeco.cuda.cudart.CUfunc_st;

/**
 * Attention within sequences: on tensor cores where all is BF16, otherwise in F32. A first kernel cuts the sequences into tiles of
 * rows, on the device, where the starts are.
 */
final class TrainingAttention {
    private static final int LARGEST_HEAD = 256;
    private static final int LARGEST_FLASH_HEAD = 128;
    private static final int FLASH_ROWS = 64;
    private static final int ROWS = 16;
    private static final int OTHER_ROWS = 32;
    private static final int THREADS = 128;

    /** Further than any row; windows beyond it would overflow when added to rows. */
    private static final int WIDEST_WINDOW = 1 << 30;

    private final TrainingLaunch kernels;
    private final TrainingModules modules;

    TrainingAttention(TrainingLaunch kernels, TrainingModules modules) {
        this.kernels = kernels;
        this.modules = modules;
    }

    void forward(
            CudaTensor out,
            CudaTensor logSumExp,
            CudaTensor q,
            CudaTensor k,
            CudaTensor v,
            CudaTensor starts,
            AttentionSpec spec) {
        boolean onTensorCores = onTensorCores(spec, out, q, k, v);
        int capacity = capacity(q.rows(), starts, onTensorCores);
        long tiles = kernels.scratch(16L * capacity);
        cut(tiles, capacity, onTensorCores, starts, q.rows());
        CudaLaunch launch = kernels.start();
        if (onTensorCores) {
            int padded = padded(spec);
            launch.put(out).put(logSumExp).put(q).put(k).put(v).put(tiles).put(group(spec));
            put(spec).put(aligned(spec, out, q, k, v));
            run("trainFlash_", padded, capacity, spec.heads(), 5 * FLASH_ROWS);
        } else {
            launch.putTyped(out).put(logSumExp).putTyped(q).putTyped(k).putTyped(v);
            launch.put(tiles).put(spec.heads()).put(group(spec));
            put(spec);
            run("trainAttend_", spec, capacity, spec.heads(), 1);
        }
    }

    void backward(
            CudaTensor dq,
            CudaTensor dk,
            CudaTensor dv,
            CudaTensor dout,
            CudaTensor out,
            CudaTensor logSumExp,
            CudaTensor q,
            CudaTensor k,
            CudaTensor v,
            CudaTensor starts,
            AttentionSpec spec) {
        boolean onTensorCores = onTensorCores(spec, dq, dk, dv, dout, q, k, v);
        int rows = q.rows();
        int heads = spec.heads();
        int capacity = capacity(rows, starts, onTensorCores);
        long tiles = kernels.scratch(16L * capacity + 4L * rows * heads);
        long delta = tiles + 16L * capacity;
        cut(tiles, capacity, onTensorCores, starts, rows);
        kernels.start().put(delta).putTyped(dout).putTyped(out).put(rows).put(heads).put(spec.headSize());
        kernels.runOver("trainDelta", 8L * rows * heads);
        CudaLaunch launch = kernels.more();
        if (onTensorCores) {
            int padded = padded(spec);
            int aligned = aligned(spec, dq, dk, dv, dout, q, k, v);
            launch.start().put(dq).put(dout).put(logSumExp).put(delta).put(q).put(k).put(v);
            launch.put(tiles).put(heads).put(group(spec));
            put(spec).put(aligned);
            run("trainFlashBackwardQueries_", padded, capacity, heads, backwardRows(padded));
            launch.start().put(dk).put(dv).put(dout).put(logSumExp).put(delta).put(q).put(k).put(v);
            launch.put(tiles).put(heads).put(group(spec));
            put(spec).put(aligned);
            run("trainFlashBackwardKeys_", padded, capacity, spec.keyValueHeads(), backwardRows(padded));
        } else {
            launch.start().putTyped(dq).putTyped(dout).put(logSumExp).put(delta);
            launch.putTyped(q).putTyped(k).putTyped(v).put(tiles).put(heads).put(group(spec));
            put(spec);
            run("trainAttendBackwardQueries_", spec, capacity, heads, 2);
            launch.start().putTyped(dk).putTyped(dv).putTyped(dout).put(logSumExp).put(delta);
            launch.putTyped(q).putTyped(k).putTyped(v).put(tiles).put(heads).put(group(spec));
            put(spec);
            run("trainAttendBackwardKeys_", spec, capacity, spec.keyValueHeads(), 2);
        }
    }

    /** What every kernel takes behind the heads: size, scale, causality, window, cap. */
    private CudaLaunch put(AttentionSpec spec) {
        return kernels.more()
                .put(spec.headSize())
                .put(spec.scale())
                .put(spec.causal() ? 1 : 0)
                .put(Math.min(spec.window(), WIDEST_WINDOW))
                .put(spec.softcap());
    }

    private static int group(AttentionSpec spec) {
        return spec.heads() / spec.keyValueHeads();
    }

    private static boolean onTensorCores(AttentionSpec spec, CudaTensor... tensors) {
        boolean rounded = true;
        for (CudaTensor tensor : tensors) {
            rounded &= tensor.dtype() == DType.BF16;
        }
        return rounded && spec.headSize() <= LARGEST_FLASH_HEAD;
    }

    private static int padded(AttentionSpec spec) {
        return (spec.headSize() + 15) / 16 * 16;
    }

    private static int aligned(AttentionSpec spec, CudaTensor... tensors) {
        boolean aligned = spec.headSize() % 8 == 0;
        for (CudaTensor tensor : tensors) {
            aligned &= TrainingLaunch.aligned(tensor, 8);
        }
        return aligned ? 1 : 0;
    }

    /** Tiles that there can be: whole ones, and a last one of each sequence and on either side of them all. */
    private static int capacity(int rows, CudaTensor starts, boolean onTensorCores) {
        return rows / (onTensorCores ? FLASH_ROWS : ROWS) + starts.rows() + 2;
    }

    private void cut(long tiles, int capacity, boolean onTensorCores, CudaTensor starts, int rows) {
        kernels.start().put(tiles).put(capacity).put(onTensorCores ? FLASH_ROWS : ROWS);
        kernels.more().put(starts).put(starts.rows()).put(rows);
        kernels.run("trainTiles", 1, 1, 1, 1024);
    }

    /** Two tiles of the block's own rows, and two of either matrix of the other side. */
    private static int backwardRows(int padded) {
        return 2 * FLASH_ROWS + 4 * (padded <= 64 ? FLASH_ROWS : FLASH_ROWS / 2);
    }

    /** @param rows of a head that are in shared memory */
    private void run(String name, int padded, int tiles, int heads, int rows) {
        CUfunc_st function = modules.flash(padded).function(name + padded);
        kernels.run(function, tiles, heads, THREADS, rows * (padded + 8) * Short.BYTES);
    }

    /** @param own matrices whose 16 rows of a block are in shared memory, beside 32 rows of two others */
    private void run(String name, AttentionSpec spec, int tiles, int heads, int own) {
        int size = spec.headSize();
        if (size > LARGEST_HEAD) {
            throw new IllegalArgumentException(
                    "backend cuda trains with heads of at most " + LARGEST_HEAD + " columns, found " + size);
        }
        int each = size <= 32 ? 1 : size <= 64 ? 2 : size <= 128 ? 4 : 8;
        int shared = Float.BYTES * (2 * OTHER_ROWS * (size + 1) + own * ROWS * size);
        kernels.run(modules.exact(each).function(name + each), tiles, heads, THREADS, shared);
    }
}
