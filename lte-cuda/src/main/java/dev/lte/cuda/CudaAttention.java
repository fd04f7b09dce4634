package dev.lte.cuda;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.RopeSpec;
import org.jspecify.annotations.Nullable;

/** Launches the attention kernels: the parts of all rows and heads, then their combination. */
final class CudaAttention {
    private static final int LARGEST_HEAD = 512;
    private static final int MOST_PARTS = 16;
    private static final int SMALLEST_PART = 128;

    /** Rows for which the kernels of decoding are made, and the numbers that they count finished blocks with. */
    private static final int FEW_ROWS = 64;

    /** Blocks of a multiprocessor that hide each other's waits. */
    private static final long BLOCKS_EACH = 4;

    static final int TICKETS = 1 << 16;

    private final CudaModule module;
    private final CudaLaunch launch;
    private final CudaScratch scratch;
    private final int processors;
    private final boolean modern;
    private final long tickets;
    private @Nullable CudaTensor appended;
    private @Nullable Rows appendedRows;
    private long launchOfAppend = -1;

    /** @param tickets address of {@link #TICKETS} zeros */
    CudaAttention(CudaBackend backend, CudaLaunch launch, CudaScratch scratch, int processors, long tickets) {
        module = backend.module();
        this.launch = launch;
        this.scratch = scratch;
        this.processors = processors;
        modern = backend.context().architecture() >= 80;
        this.tickets = tickets;
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

        void field(CudaLaunch launch, CudaTensor cache) {
            launch.field(positions).field(sequences).field(pages).field((long) cache.rows());
            launch.field(pages.rows()).field(pages.columns()).field(pageSize).field(0);
        }
    }

    /**
     * Rotates and stores.
     *
     * @return whether the shapes allow it; if not, nothing was done
     */
    boolean ropeAppend(Deferred.Rope rope, CudaTensor keys, CudaTensor values, CudaTensor k, CudaTensor v, Rows rows) {
        int first = rope.headOf(k, rows.positions());
        if (first < 0 || k.rows() > 32_768) {
            return false;
        }
        CudaTensor x = rope.x();
        int headSize = rope.spec().headSize();
        launch.structure()
                .field(x)
                .field(rope.table())
                .field(keys)
                .field(values)
                .field(v);
        launch.field(rope.table().rows())
                .field(x.columns() / headSize)
                .field(first)
                .field(headSize);
        launch.field(rope.spec().rotated() / 2)
                .field(rope.spec().pairing() == RopeSpec.Pairing.HALVES ? 1 : 0)
                .field(Segment.code(keys.dtype()))
                .field(k.columns());
        rows.field(launch, keys);
        int blocks = Math.ceilDiv(x.columns() + k.columns(), 256);
        launch.runDependent(module.function("ropeAppend"), Math.min(blocks, 1024), k.rows(), 1, 256, 0);
        appended = keys;
        appendedRows = rows;
        launchOfAppend = launch.launches();
        return true;
    }

    /** Few rows over the cache; false if the shapes are not for it and nothing was done. */
    private boolean few(
            CudaTensor out, CudaTensor q, CudaTensor keys, CudaTensor values, Rows rows, AttentionSpec spec) {
        int piece = Segment.chunk(keys.dtype());
        int pieces = spec.headSize() / piece;
        int count = out.rows();
        if (count > FEW_ROWS
                || spec.headSize() % piece != 0
                || pieces > 32
                || !keys.isAligned()
                || !values.isAligned()) {
            return false;
        }
        int perKey = spec.heads() / spec.keyValueHeads();
        int together = perKey == 1 ? 1 : 4;
        int groups = spec.keyValueHeads() * Math.ceilDiv(perKey, together);
        long useful = Math.min((long) rows.pages().columns() * rows.pageSize(), keys.rows());
        int lanes = pieces <= 1 ? 1 : 2 * Integer.highestOneBit(pieces - 1);
        int teams = 128 / lanes;
        int bytes = 4 * teams * together * (spec.headSize() + 2);
        if ((long) count * groups > TICKETS || bytes > 48 << 10) {
            return false;
        }
        int parts = (int) Math.clamp(
                Math.min(BLOCKS_EACH * processors / ((long) count * groups), Math.ceilDiv(useful, 32)), 1, MOST_PARTS);
        long states = scratch.atLeast(4L * count * spec.heads() * parts * (spec.headSize() + 2));
        launch.structure()
                .field(out)
                .field(q)
                .field(keys)
                .field(values)
                .field(states)
                .field(tickets);
        launch.field(count).field(spec.heads()).field(spec.keyValueHeads()).field(spec.headSize());
        boolean ahead = launch.launches() == launchOfAppend
                && appended != null
                && appended.sameRows(keys)
                && appendedRows != null
                && appendedRows.positions().sameRows(rows.positions())
                && appendedRows.sequences().sameRows(rows.sequences());
        launch.field(spec.causal() ? 1 : 0).field(spec.window()).field(parts).field(ahead ? 1 : 0);
        launch.field(spec.scale()).field(spec.softcap());
        rows.field(launch, keys);
        String name = "attendFew_" + keys.dtype() + "_" + together;
        launch.runDependent(module.function(name), parts, groups, count, 128, bytes);
        return true;
    }

    /** Many rows over the cache; false if the shapes are not for it and nothing was done. */
    private boolean many(
            CudaTensor out, CudaTensor q, CudaTensor keys, CudaTensor values, Rows rows, AttentionSpec spec) {
        if (!modern
                || keys.dtype() == DType.F32
                || spec.headSize() % 8 != 0
                || spec.headSize() > 128
                || !keys.isAligned()
                || !values.isAligned()) {
            return false;
        }
        int groups = Math.ceilDiv(spec.headSize(), 32) * 2;
        int pitch = 2 * (16 * groups + 8);
        launch.structure()
                .field(out)
                .field(q)
                .field(keys)
                .field(values)
                .field(0L)
                .field(0L);
        launch.field(out.rows()).field(spec.heads()).field(spec.keyValueHeads()).field(spec.headSize());
        launch.field(spec.causal() ? 1 : 0).field(spec.window()).field(1).field(0);
        launch.field(spec.scale()).field(spec.softcap());
        rows.field(launch, keys);
        int blocks = Math.multiplyExact(Math.ceilDiv(out.rows(), 64), spec.heads());
        int shared = 4 * 64 * pitch + 2 * 64 * 8 + 3 * 64 * 4;
        String name = "attendMany_" + keys.dtype() + "_" + groups;
        launch.runDependent(module.function(name), blocks, 1, 1, 128, shared);
        return true;
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
        if (few(out, q, keys, values, rows, spec) || many(out, q, keys, values, rows, spec)) {
            return;
        }
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
