package dev.lte.cuda;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;

/** Launches the attention kernels: the parts of all rows and heads, then their combination. */
final class CudaAttention {
    private static final int LARGEST_HEAD = 512;
    private static final int MOST_PARTS = 16;
    private static final int SMALLEST_PART = 128;

    private final CudaModule module;
    private final CudaLaunch launch;
    private final CudaScratch scratch;

    CudaAttention(CudaModule module, CudaLaunch launch, CudaScratch scratch) {
        this.module = module;
        this.launch = launch;
        this.scratch = scratch;
    }

    /** Where the rows of a pass belong, checked to be this backend's. */
    record Rows(CudaTensor positions, CudaTensor sequences, CudaTensor pages, int pageSize) {
        void put(CudaLaunch launch) {
            launch.put(positions)
                    .put(sequences)
                    .put(pages)
                    .put(pages.rows())
                    .put(pages.columns())
                    .put(pageSize);
        }
    }

    void append(CudaTensor keys, CudaTensor values, CudaTensor k, CudaTensor v, Rows rows) {
        launch.start()
                .put(keys)
                .put(values)
                .put(Segment.code(keys.dtype()))
                .put((long) keys.rows())
                .put(k)
                .put(v);
        rows.put(launch);
        launch.put(k.rows()).put(k.columns());
        launch.runRows(module.function("append"), k.rows(), k.columns());
    }

    void cached(CudaTensor out, CudaTensor q, CudaTensor keys, CudaTensor values, Rows rows, AttentionSpec spec) {
        long capacity = Math.min((long) rows.pages().columns() * rows.pageSize(), keys.rows());
        attend(out, q, keys, values, (long) rows.pages().columns() * rows.pageSize(), capacity, spec, () -> {
            rows.put(launch);
            launch.put(0L).put(0L).put(0);
        });
    }

    void self(CudaTensor out, CudaTensor q, CudaTensor k, CudaTensor v, CudaTensor starts, AttentionSpec spec) {
        attend(out, q, k, v, out.rows(), out.rows(), spec, () -> {
            launch.put(0L).put(0L).put(0L).put(0L).put(0L).put(0L).put(0).put(0).put(1);
            launch.put(starts).put(starts.rows());
        });
    }

    private void attend(
            CudaTensor out,
            CudaTensor q,
            CudaTensor keys,
            CudaTensor values,
            long positions,
            long useful,
            AttentionSpec spec,
            Runnable where) {
        int headSize = spec.headSize();
        if (headSize > LARGEST_HEAD) {
            throw new IllegalArgumentException(
                    "backend cuda attends with heads of at most " + LARGEST_HEAD + " columns, found " + headSize);
        }
        int parts = (int) Math.clamp((useful + SMALLEST_PART - 1) / SMALLEST_PART, 1, MOST_PARTS);
        int partSize = (int) Math.clamp((positions + parts - 1) / parts, 1, Integer.MAX_VALUE);
        long states = scratch.atLeast(4L * out.rows() * spec.heads() * parts * (headSize + 2));
        launch.start().put(states).put(q).put(keys).put(values).put((long) keys.rows());
        where.run();
        launch.put(out.rows())
                .put(spec.heads())
                .put(spec.heads() / spec.keyValueHeads())
                .put(headSize);
        launch.put(spec.scale())
                .put(spec.causal() ? 1 : 0)
                .put(spec.window())
                .put(spec.softcap())
                .put(partSize);
        DType dtype = keys.dtype();
        String name = "attend_" + dtype + (headSize <= 64 ? "_2" : headSize <= 128 ? "_4" : "_16");
        launch.run(module.function(name), parts, spec.heads(), out.rows(), 128);
        launch.start().put(out).put(states).put(spec.heads()).put(headSize).put(parts);
        launch.run(module.function("combine"), spec.heads(), out.rows(), 1, headSize <= 64 ? 64 : 128);
    }
}
