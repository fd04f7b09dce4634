package dev.lte.cuda;

import dev.lte.backend.FfnSpec;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/** Launches the kernels that read weights: linear projections, router scores and feed-forward blocks. */
final class CudaProducts {
    static final int ADD = 1;
    static final int SIGMOID = 2;

    /** Rows of one launch of a feed-forward block: bits of a mask. */
    private static final int FFN_ROWS = 32;

    private final CudaModule module;
    private final CudaLaunch launch;
    private final CudaScratch scratch;
    private final CudaNorms norms;
    private final CudaStreams streams;
    private final CudaMany many;

    CudaProducts(CudaBackend backend, CudaLaunch launch, CudaScratch scratch, CudaNorms norms, CudaRounded rounded) {
        module = backend.module();
        this.launch = launch;
        this.scratch = scratch;
        streams = new CudaStreams(module, launch, backend.context());
        this.norms = norms;
        many = new CudaMany(backend, launch, scratch, norms, rounded);
    }

    void prepareRecording() {
        many.prepare();
    }

    /** The stream must have run. */
    void close() {
        many.close();
    }

    /**
     * With a norm that makes x, or without.
     *
     * @return whether the norm was done on the way; if not, nothing was
     */
    boolean linear(
            CudaTensor out,
            CudaTensor x,
            CudaTensor weight,
            @Nullable CudaTensor bias,
            int mode,
            Deferred.@Nullable Norm norm) {
        if (norm != null && (weight.segments().size() > 1 || !norm.feeds(x, out))) {
            return false;
        }
        int rows = out.rows();
        int columns = weight.columns();
        boolean constant = weight.storage().isConstant();
        int start = 0;
        for (Segment segment : weight.segments()) {
            if (segment.rows() == 0) {
                continue;
            }
            long to = out.address() + 4L * start;
            long biasAt = bias == null ? 0L : bias.address() + 4L * start;
            if (streams.linear(to, out.stride(), x, segment, biasAt, mode, constant, norm)) {
                start += segment.rows();
                continue;
            }
            if (many.takes(segment.dtype(), rows, columns)) {
                many.linear(out.columnRange(start, start + segment.rows()), x, segment, biasAt, mode, norm);
                start += segment.rows();
                continue;
            }
            if (norm != null) {
                return false;
            }
            int chunk = Segment.chunk(segment.dtype());
            boolean whole = columns % chunk == 0;
            boolean fast = whole && segment.isAligned() && aligned(x);
            int group = rows == 1 ? 1 : rows == 2 ? 2 : rows <= 4 ? 4 : 8;
            String name = "linear_" + segment.dtype() + "_" + (fast ? String.valueOf(group) : "any");
            launch.start().put(to).put(out.stride()).put(x);
            launch.put(segment.address()).put(segment.scales()).put(segment.stride());
            launch.put(biasAt).put(rows).put(segment.rows()).put(columns);
            launch.put(mode).put(whole && segment.isAligned() ? 1 : 0);
            int lines = 4 * (fast ? lines(segment, group) : 1);
            launch.run(module.function(name), (segment.rows() + lines - 1) / lines, 1, 1, 128);
            start += segment.rows();
        }
        return true;
    }

    /** Whether a block of this shape takes what was deferred on the way. */
    boolean takes(CudaTensor x, CudaFfn ffn) {
        return streams.takes(x, ffn);
    }

    /** What {@link #takes} says: all experts, or those of a selection that may be yet to be made. */
    void few(
            CudaTensor y,
            CudaTensor x,
            CudaFfn ffn,
            @Nullable CudaTensor experts,
            @Nullable CudaTensor counts,
            Write write,
            Deferred.@Nullable Selection choice,
            Deferred.@Nullable Norm norm) {
        long hidden = scratch.atLeast(hiddenBytes(ffn));
        streams.hidden(hidden, x, ffn, experts, counts, choice, norm);
        streams.down(y, hidden, ffn, experts, counts, choice, write == Write.ADD ? ADD : 0);
    }

    /** Rows of the weight that a warp takes, as in linear.cu. */
    private static int lines(Segment segment, int group) {
        if (group <= 2) {
            return 1;
        }
        if (group == 4) {
            return 2;
        }
        return switch (segment.dtype()) {
            case Q8_0 -> 2;
            case Q4_0 -> 1;
            default -> 4;
        };
    }

    private static boolean aligned(CudaTensor x) {
        return x.address() % 16 == 0 && x.stride() % 4 == 0;
    }

    /** @param norm that makes x, or null if x is there */
    void dense(CudaTensor y, CudaTensor x, CudaFfn ffn, Write write, Deferred.@Nullable Norm norm) {
        if (many.takes(ffn, y.rows())) {
            many.ffn(y, x, ffn, null, null, write == Write.ADD ? ADD : 0, norm);
            return;
        }
        if (norm != null) {
            norms.run(norm);
        }
        for (int t = 0; t < y.rows(); t += FFN_ROWS) {
            int end = Math.min(t + FFN_ROWS, y.rows());
            run(y.rowRange(t, end), x.rowRange(t, end), ffn, write, 0, 0, 0, 0, scratch.atLeast(hiddenBytes(ffn)));
        }
    }

    void sparse(CudaTensor y, CudaTensor x, CudaFfn ffn, CudaTensor experts, CudaTensor counts, Write write) {
        if (many.takes(ffn, y.rows())) {
            many.ffn(y, x, ffn, experts, counts, write == Write.ADD ? ADD : 0, null);
            return;
        }
        int n = ffn.spec().experts();
        int capacity = 8 * ((n + 7) / 8);
        long hiddenBytes = hiddenBytes(ffn);
        long hidden = scratch.atLeast(hiddenBytes + 4L * (3 * capacity + 16));
        long masks = hidden + hiddenBytes;
        long list = masks + 4L * capacity;
        long buckets = list + 4L * capacity;
        long sizes = buckets + 4L * capacity;
        for (int t = 0; t < y.rows(); t += FFN_ROWS) {
            int end = Math.min(t + FFN_ROWS, y.rows());
            launch.start().put(masks).put(list).put(buckets).put(sizes);
            launch.put(experts.rowRange(t, end))
                    .put(counts.rowRange(t, end))
                    .put(end - t)
                    .put(n);
            launch.run(module.function("uniteExperts"), 1, 1, 1, 1024);
            run(y.rowRange(t, end), x.rowRange(t, end), ffn, write, masks, list, buckets, sizes, hidden);
        }
    }

    private static long hiddenBytes(CudaFfn ffn) {
        return 4L * FFN_ROWS * ffn.padded() * ffn.spec().experts();
    }

    private void run(
            CudaTensor y,
            CudaTensor x,
            CudaFfn ffn,
            Write write,
            long masks,
            long list,
            long buckets,
            long sizes,
            long hidden) {
        FfnSpec spec = ffn.spec();
        int rows = y.rows();
        int neurons = spec.experts() * ffn.padded();
        Segment inner = ffn.inner();
        Segment outer = ffn.outer();
        boolean aligned = aligned(x) && spec.model() % Segment.chunk(inner.dtype()) == 0;
        launch.start().put(hidden).put((long) neurons).put(x);
        launch.put(inner.address()).put(inner.scales()).put(inner.stride()).put(ffn.upBias());
        launch.put(masks).put(list).put(sizes).put(rows).put(spec.model()).put(spec.expertSize());
        launch.put(ffn.padded())
                .put(spec.experts())
                .put(spec.activation().ordinal())
                .put(aligned ? 1 : 0);
        String innerName = "inner_" + inner.dtype() + (spec.gated() ? "_gated" : "_plain");
        launch.run(module.function(innerName), (neurons + 3) / 4, 1, 1, 128);
        int lanes = Integer.highestOneBit(Math.min(32, ffn.padded() / Segment.chunk(outer.dtype())));
        int perBlock = 32 / lanes;
        launch.start().put(y).put(hidden).put((long) neurons);
        launch.put(outer.address()).put(outer.scales()).put(outer.stride()).put(ffn.downBias());
        launch.put(masks).put(buckets).put(sizes).put(rows).put(spec.model()).put(ffn.padded());
        launch.put(spec.experts()).put(lanes).put(write == Write.ADD ? ADD : 0);
        String outerName = "outer_" + outer.dtype() + (rows == 1 ? "_1" : "_4");
        launch.run(module.function(outerName), (spec.model() + perBlock - 1) / perBlock, 1, 1, 256);
    }
}
