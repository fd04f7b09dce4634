package dev.lte.cuda;

import dev.lte.backend.DType;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.NormSpec;
import org.jspecify.annotations.Nullable;

/** Launches {@code stream.cu}, {@code bulk.cu} and {@code down.cu}: products of few rows, limited by the memory that the weights come from. */
final class CudaStreams {
    private static final int WARPS = 16;
    private static final int THREADS = 32 * WARPS;

    /** Neighbouring rows of the weight that a warp takes together. */
    private static final int GROUP = 4;

    /** Outputs from which two small blocks a multiprocessor are faster than a large one; feed-forward blocks always are. */
    private static final int SLIM_OUTPUTS = 24_576;

    /** Registers hold a slice of every row. */
    private static final int MOST_ROWS = 4;

    /** What a block gets unasked. */
    private static final int SHARED_BYTES = 48 << 10;

    /** Of a block, what is not its own to use, and room for what kernels declare themselves. */
    private static final int RESERVED_BYTES = 1024 + 256;

    /** Outputs up to which weights come by bulk copies; more come into registers, since their kernels overlap better. */
    private static final int BULK_OUTPUTS = 1024;

    /** Of a block whose weights do. */
    private static final int BULK_WARPS = 8;

    /** Of 16 bytes of each lane, in a piece of a weight that comes at once. */
    private static final int BULK_CHUNKS = 4;

    /** A piece for every warp, and the barriers that they arrive at. */
    private static final int SLOT_BYTES = BULK_WARPS * (32 * BULK_CHUNKS * 16 + 8);

    /** Of a warp's ring. */
    private static final int MOST_SLOTS = 6;

    private final CudaModule module;
    private final CudaLaunch launch;
    private final int processors;

    /** Bytes of shared memory that a block can have if weights can come by bulk copies, or 0. */
    private final int bulkBytes;

    CudaStreams(CudaModule module, CudaLaunch launch, CudaContext context) {
        this.module = module;
        this.launch = launch;
        processors = context.multiprocessors();
        int bytes = context.sharedBytes() - RESERVED_BYTES;
        bulkBytes = context.architecture() >= 90 ? Math.min(bytes, CudaModule.BULK_SHARED) : 0;
    }

    /** How the warps of a block share the columns: this many slices, of so many chunks a lane. */
    private record Slices(int count, int each, boolean slim) {
        /** Rows of the weight between two barriers. */
        int tile() {
            return Math.max(32, (slim ? GROUP : 2 * GROUP) / each * (WARPS / count));
        }
    }

    private static @Nullable Slices slices(Segment segment, int outputs, int columns, CudaTensor x) {
        int chunk = Segment.chunk(segment.dtype());
        if (columns % chunk != 0 || !segment.isAligned() || !x.isAligned() || x.rows() > mostRows(segment.dtype())) {
            return null;
        }
        int steps = Math.ceilDiv(columns / chunk, 32);
        if (steps == 0 || steps > 2 * WARPS) {
            return null;
        }
        boolean slim = x.rows() == 1 && !segment.dtype().isQuantized() && outputs >= SLIM_OUTPUTS;
        return steps <= WARPS ? new Slices(powerOfTwo(steps), 1, slim) : new Slices(WARPS, 2, false);
    }

    private static int mostRows(DType dtype) {
        return switch (dtype) {
            case Q4_0 -> 1;
            case Q8_0 -> 2;
            default -> MOST_ROWS;
        };
    }

    private static int powerOfTwo(int least) {
        return least <= 1 ? 1 : 2 * Integer.highestOneBit(least - 1);
    }

    /**
     * {@code out = segment x + bias}, and so on as {@code mode} says.
     *
     * @param out address of the first output
     * @param bias address, or 0
     * @param norm that makes x, or null if x is there
     * @return false if the shapes are not for these kernels and nothing was launched
     */
    boolean linear(
            long out,
            long outStride,
            CudaTensor x,
            Segment segment,
            long bias,
            int mode,
            boolean constant,
            Deferred.@Nullable Norm norm) {
        Slices slices = slices(segment, segment.rows(), x.columns(), x);
        if (slices == null) {
            return false;
        }
        launch.structure().field(out).field(outStride);
        return stream(segment, x, slices, bias, norm, segment.rows(), constant, mode, null, null, null, null);
    }

    /** Whether a feed-forward block can run here. */
    boolean takes(CudaTensor x, CudaFfn ffn) {
        FfnSpec spec = ffn.spec();
        int chunk = Segment.chunk(ffn.outer().dtype());
        int lanes = ffn.padded() / chunk;
        return slices(ffn.inner(), SLIM_OUTPUTS, spec.model(), x) != null
                && x.rows() <= mostRows(ffn.outer().dtype())
                && ffn.padded() == spec.expertSize()
                && lanes <= 32
                && spec.expertSize() % GROUP == 0
                && Integer.bitCount(lanes) == 1
                && 12L * spec.experts() + 24_000 < SHARED_BYTES;
    }

    /**
     * The hidden activations (T, places x M) of the experts that {@code selection} or {@code choice} names, or of all.
     *
     * @param choice what makes the selection, or null if it is there
     */
    void hidden(
            long hidden,
            CudaTensor x,
            CudaFfn ffn,
            @Nullable CudaTensor experts,
            @Nullable CudaTensor counts,
            Deferred.@Nullable Selection choice,
            Deferred.@Nullable Norm norm) {
        Slices slices = slices(ffn.inner(), SLIM_OUTPUTS, ffn.spec().model(), x);
        if (slices == null) {
            throw new IllegalStateException("takes was not asked");
        }
        launch.structure().field(hidden).field((long) ffn.spec().neurons());
        stream(ffn.inner(), x, slices, ffn.upBias(), norm, 0, true, 0, ffn, experts, counts, choice);
    }

    private boolean stream(
            Segment segment,
            CudaTensor x,
            Slices slices,
            long bias,
            Deferred.@Nullable Norm norm,
            int outputs,
            boolean constant,
            int mode,
            @Nullable CudaFfn ffn,
            @Nullable CudaTensor experts,
            @Nullable CudaTensor counts,
            Deferred.@Nullable Selection choice) {
        int units = ffn == null ? outputs : ffn.spec().neurons();
        int perUnit = ffn != null && ffn.spec().gated() ? 2 : 1;
        int step = ffn == null ? 1 : GROUP;
        int rows = powerOfTwo(x.rows());
        int lists = experts == null || ffn == null ? 0 : 3 * ffn.spec().experts();
        Bulk bulk = ffn == null ? bulk(segment, x, outputs) : null;
        int blocks = bulk != null ? bulk.blocks : Math.min((slices.slim ? 2 : 1) * processors, units / step);
        int capacity = Math.ceilDiv(Math.ceilDiv(units / step, blocks) * step * perUnit, 4 * GROUP) * 4 * GROUP;
        int shared = bulk != null
                ? bulk.bytes
                : 4 * (lists + capacity / GROUP + 2 * slices.tile() * rows * (slices.count + 1));
        if (bulk == null && shared > SHARED_BYTES) {
            return false;
        }
        CudaTensor from = norm == null ? x : norm.x();
        launch.field(from).field(segment.address()).field(segment.scales()).field(segment.stride());
        launch.field(bias);
        if (norm == null) {
            launch.field(0L).field(0L).field(0L).field(0L).field(0f).field(0f).field(0);
        } else {
            CudaTensor normBias = norm.bias();
            launch.field(norm.weight().address())
                    .field(normBias == null ? 0L : normBias.address())
                    .field(norm.out());
            launch.field(norm.spec().epsilon()).field(norm.spec().weightOffset());
            launch.field(norm.spec().kind() == NormSpec.Kind.LAYER ? 1 : 0);
        }
        launch.field(x.rows())
                .field(x.columns())
                .field(bulk != null ? bulk.slices : slices.count)
                .field(outputs);
        launch.field((constant ? 1 : 0) | (isConstant(norm) ? 2 : 0))
                .field(mode)
                .field(perUnit - 1);
        launch.field(ffn == null ? 0 : ffn.spec().activation().ordinal());
        launch.field(ffn == null ? 0 : ffn.spec().expertSize());
        launch.field(capacity).field(bulk != null ? bulk.slots : 0);
        experts(experts, counts, choice, ffn == null ? 0 : ffn.spec().experts());
        if (bulk != null) {
            String name = "bulk_" + segment.dtype() + (bulk.whole ? "_1" : "_0");
            launch.runDependent(module.function(name), blocks, 1, 1, 32 * BULK_WARPS, shared);
            return true;
        }
        String name = (slices.slim ? "slim" : "stream") + rows + "_" + segment.dtype() + "_" + slices.each;
        launch.runDependent(module.function(name), blocks, 1, 1, THREADS, shared);
        return true;
    }

    /** How {@code bulk.cu} runs: warps that share a row, pieces of a warp under way. */
    private record Bulk(int slices, boolean whole, int slots, int blocks, int bytes) {}

    private @Nullable Bulk bulk(Segment segment, CudaTensor x, int outputs) {
        int slice = 32 * BULK_CHUNKS * Segment.chunk(segment.dtype());
        int slices = Math.ceilDiv(x.columns(), slice);
        if (outputs > BULK_OUTPUTS || x.rows() > 1 || segment.dtype().isQuantized() || slices > BULK_WARPS) {
            return null;
        }
        int blocks = Math.min(processors, outputs);
        int rest = 4 * Math.ceilDiv(outputs, blocks) * (slices + 1);
        int slots = Math.min((bulkBytes - rest) / SLOT_BYTES, MOST_SLOTS);
        int bytes = slots * SLOT_BYTES + rest;
        return slots <= 0 ? null : new Bulk(slices, x.columns() % slice == 0, slots, blocks, bytes);
    }

    private static boolean isConstant(Deferred.@Nullable Norm norm) {
        return norm != null && norm.weight().storage().isConstant();
    }

    private void experts(
            @Nullable CudaTensor experts, @Nullable CudaTensor counts, Deferred.@Nullable Selection choice, int count) {
        if (experts == null || counts == null) {
            launch.field(0L).field(0L).field(0L).field(0L);
        } else {
            launch.field(experts).field(counts);
        }
        if (choice == null) {
            launch.field(0L).field(0L).field(0L).field(0L);
        } else {
            launch.field(choice.scores()).field(choice.thresholds());
        }
        launch.field(count).field(0);
    }

    /** {@code y = outer hidden + bias}, of the hidden activations that {@link #hidden} made of the same selection. */
    void down(
            CudaTensor y,
            long hidden,
            CudaFfn ffn,
            @Nullable CudaTensor experts,
            @Nullable CudaTensor counts,
            Deferred.@Nullable Selection choice,
            int mode) {
        FfnSpec spec = ffn.spec();
        Segment outer = ffn.outer();
        int rows = powerOfTwo(y.rows());
        int lanes = ffn.padded() / Segment.chunk(outer.dtype());
        int each = 1;
        double best = 0;
        for (int candidate : rows == 1 ? new int[] {2, 4, 1} : new int[] {4, 2, 1}) {
            int blocks = Math.ceilDiv(spec.model(), 32 / lanes * candidate);
            double busy = (double) blocks / Math.ceilDiv(blocks, processors) / processors;
            if (32 / lanes * candidate * rows <= THREADS && busy > best * 1.05) {
                best = busy;
                each = candidate;
            }
        }
        int lists = experts == null ? 0 : 3 * spec.experts();
        int width = 32 / lanes * each;
        int hiddenBytes = 4 * spec.neurons();
        boolean staged = rows == 1 && 4 * lists + hiddenBytes <= SHARED_BYTES - 1024;
        launch.structure().field(y).field(hidden).field((long) spec.neurons());
        launch.field(outer.address())
                .field(outer.scales())
                .field(outer.stride())
                .field(ffn.downBias());
        launch.field(y.rows())
                .field(spec.model())
                .field(spec.expertSize())
                .field(lanes)
                .field(mode)
                .field(staged ? 1 : 0);
        experts(experts, counts, choice, spec.experts());
        String name = "down" + rows + "_" + outer.dtype() + "_" + each;
        launch.runDependent(
                module.function(name),
                Math.ceilDiv(spec.model(), width),
                1,
                1,
                THREADS,
                4 * lists + Math.max(staged ? hiddenBytes : 0, 4 * WARPS * width * rows));
    }
}
