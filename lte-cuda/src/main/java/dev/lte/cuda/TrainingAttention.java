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
        kernels.start();
        if (onTensorCores) {
            kernels.put(out).put(logSumExp).put(q).put(k).put(v).put(tiles).put(group(spec));
            put(spec);
            CudaModule module = modules.flash(padded(spec), spec.softcap() > 0, aligned(spec, out, q, k, v));
            run(module, "trainFlash_", spec, capacity, spec.heads(), forwardRows(spec));
        } else {
            kernels.putTyped(out).put(logSumExp).putTyped(q).putTyped(k).putTyped(v);
            kernels.put(tiles).put(spec.heads()).put(group(spec));
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
        kernels.start()
                .put(delta)
                .putTyped(dout)
                .putTyped(out)
                .put(rows)
                .put(heads)
                .put(spec.headSize());
        kernels.runOver("trainDelta", 8L * rows * heads);
        if (onTensorCores) {
            boolean aligned = aligned(spec, dq, dk, dv, dout, q, k, v);
            CudaModule module = modules.flash(padded(spec), spec.softcap() > 0, aligned);
            kernels.start()
                    .put(dq)
                    .put(dout)
                    .put(logSumExp)
                    .put(delta)
                    .put(q)
                    .put(k)
                    .put(v);
            kernels.put(tiles).put(heads).put(group(spec));
            put(spec);
            run(module, "trainFlashBackwardQueries_", spec, capacity, heads, backwardRows(spec));
            kernels.start()
                    .put(dk)
                    .put(dv)
                    .put(dout)
                    .put(logSumExp)
                    .put(delta)
                    .put(q)
                    .put(k)
                    .put(v);
            kernels.put(tiles).put(heads).put(group(spec));
            put(spec);
            run(module, "trainFlashBackwardKeys_", spec, capacity, spec.keyValueHeads(), backwardRows(spec));
        } else {
            kernels.start().putTyped(dq).putTyped(dout).put(logSumExp).put(delta);
            kernels.putTyped(q).putTyped(k).putTyped(v).put(tiles).put(heads).put(group(spec));
            put(spec);
            run("trainAttendBackwardQueries_", spec, capacity, heads, 2);
            kernels.start()
                    .putTyped(dk)
                    .putTyped(dv)
                    .putTyped(dout)
                    .put(logSumExp)
                    .put(delta);
            kernels.putTyped(q).putTyped(k).putTyped(v).put(tiles).put(heads).put(group(spec));
            put(spec);
            run("trainAttendBackwardKeys_", spec, capacity, spec.keyValueHeads(), 2);
        }
    }

    /** What every kernel takes behind the heads: size, scale, causality, window, cap. */
    private TrainingLaunch put(AttentionSpec spec) {
        return kernels.put(spec.headSize())
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

    /** Whether every row of a head consists of whole 16 bytes. */
    private static boolean aligned(AttentionSpec spec, CudaTensor... tensors) {
        boolean aligned = spec.headSize() % 8 == 0;
        for (CudaTensor tensor : tensors) {
            aligned &= TrainingLaunch.aligned(tensor, 8);
        }
        return aligned;
    }

    /** Tiles that there can be: whole ones, and a last one of each sequence and on either side of them all. */
    private static int capacity(int rows, CudaTensor starts, boolean onTensorCores) {
        return rows / (onTensorCores ? FLASH_ROWS : ROWS) + starts.rows() + 2;
    }

    private void cut(long tiles, int capacity, boolean onTensorCores, CudaTensor starts, int rows) {
        kernels.start().put(tiles).put(capacity).put(onTensorCores ? FLASH_ROWS : ROWS);
        kernels.put(starts).put(starts.rows()).put(rows);
        kernels.run("trainTiles", 1, 1, 1, 1024);
    }

    /** Rows in shared memory: the block's own queries, and keys and values twice, as in Steps of train_flash.cu. */
    private static int forwardRows(AttentionSpec spec) {
        return FLASH_ROWS + 4 * (padded(spec) <= 32 ? FLASH_ROWS / 2 : FLASH_ROWS);
    }

    /** Two of the block's own matrices, and either matrix of the other side twice. */
    private static int backwardRows(AttentionSpec spec) {
        int padded = padded(spec);
        return 2 * FLASH_ROWS + 4 * (padded <= 32 || padded > 64 ? FLASH_ROWS / 2 : FLASH_ROWS);
    }

    /** @param rows of a head that are in shared memory */
    private void run(CudaModule module, String name, AttentionSpec spec, int tiles, int heads, int rows) {
        int padded = padded(spec);
        CUfunc_st function = module.function(name + padded);
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
