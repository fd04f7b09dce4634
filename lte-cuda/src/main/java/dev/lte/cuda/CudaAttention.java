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

    /** The same for the kernel that rotates and stores on the way, beside which the next one's blocks must fit. */
    private static final long NEW_BLOCKS_EACH = 2;

    /** Heads of queries that share a key and a block. */
    private static final int HEADS_TOGETHER = 4;

    static final int TICKETS = 1 << 16;

    /** Rows, and positions, that a block of {@code flash.cu} takes at a time. */
    private static final int FLASH_TILE = 128;

    /** Of its shared memory, for queries and two tiles of keys and of values; heads have at most 128 columns. */
    static final int FLASH_SHARED = 5 * FLASH_TILE * 2 * 128 + 1024;

    /** Fewest positions that it brings at a time. */
    private static final int SMALLEST_BOX = 8;

    private final CudaModule module;
    private final CudaLaunch launch;
    private final CudaScratch scratch;
    private final int processors;
    private final boolean modern;
    private final boolean wgmma;
    private final CudaTiles tiles = new CudaTiles();
    private final CudaRounded rounded;
    private final long tickets;
    private Deferred.@Nullable Append appended;
    private long launchOfAppend = -1;
    private @Nullable CudaStorage written;
    private @Nullable CudaStorage writtenToo;
    private long launchOfProduct = -1;

    /** @param tickets address of {@link #TICKETS} zeros */
    CudaAttention(
            CudaBackend backend,
            CudaLaunch launch,
            CudaScratch scratch,
            CudaRounded rounded,
            int processors,
            long tickets) {
        module = backend.module();
        this.launch = launch;
        this.scratch = scratch;
        this.rounded = rounded;
        this.processors = processors;
        modern = backend.context().architecture() >= 80;
        wgmma = backend.context().architecture() == CudaModule.WGMMA_ARCHITECTURE;
        this.tickets = tickets;
    }

    /** Where the rows of a pass belong, checked to be this backend's. */
    record Rows(CudaTensor positions, CudaTensor sequences, CudaTensor pages, int pageSize) {
        boolean sameRows(Rows other) {
            return positions.sameRows(other.positions)
                    && sequences.sameRows(other.sequences)
                    && pages.sameRows(other.pages)
                    && pageSize == other.pageSize;
        }

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

    /** Whether {@link #ropeAppend} can store these keys, rotated before. */
    boolean takes(Deferred.Rope rope, CudaTensor k, Rows rows) {
        return rope.headOf(k, rows.positions()) >= 0 && k.rows() <= 32_768;
    }

    /** Rotates and stores. */
    void ropeAppend(Deferred.Append append) {
        CudaTensor k = append.k();
        launch.structure();
        field(append);
        int each = isWide(append) ? 4 * 256 : 256;
        int blocks = Math.ceilDiv(append.rope().x().columns() + k.columns(), each);
        launch.runDependent(module.function("ropeAppend"), Math.min(blocks, 1024), k.rows(), 1, 256, 0);
        appended = append;
        launchOfAppend = launch.launches();
    }

    /** Whether four elements can be taken at a time. */
    private static boolean isWide(Deferred.Append append) {
        RopeSpec spec = append.rope().spec();
        return spec.headSize() % 4 == 0
                && spec.rotated() % 8 == 0
                && append.k().columns() % 4 == 0
                && append.rope().x().isAligned()
                && append.rope().table().isAligned()
                && append.v().isAligned()
                && append.keys().isAligned()
                && append.values().isAligned();
    }

    private void field(Deferred.Append append) {
        Deferred.Rope rope = append.rope();
        CudaTensor x = rope.x();
        int headSize = rope.spec().headSize();
        launch.field(x)
                .field(rope.table())
                .field(append.keys())
                .field(append.values())
                .field(append.v());
        launch.field(rope.table().rows())
                .field(x.columns() / headSize)
                .field(rope.headOf(append.k(), append.rows().positions()))
                .field(headSize);
        launch.field(rope.spec().rotated() / 2)
                .field(rope.spec().pairing() == RopeSpec.Pairing.HALVES ? (isWide(append) ? 2 : 1) : 0)
                .field(Segment.code(append.keys().dtype()))
                .field(append.k().columns());
        append.rows().field(launch, append.keys());
    }

    /** Whether a kernel of one token can rotate and store what it attends to, each block for itself. */
    boolean feeds(
            Deferred.Append append, CudaTensor q, CudaTensor keys, CudaTensor values, Rows rows, AttentionSpec spec) {
        CudaTensor x = append.rope().x();
        return q.rows() == 1
                && q.storage() == x.storage()
                && q.address() == x.address()
                && append.rope().spec().headSize() == spec.headSize()
                && append.rope().headOf(append.k(), rows.positions()) == spec.heads()
                && append.k().columns() == spec.keyValueHeads() * spec.headSize()
                && spec.heads() <= HEADS_TOGETHER * spec.keyValueHeads()
                && append.keys().sameRows(keys)
                && append.values().sameRows(values)
                && append.rows().sameRows(rows);
    }

    /** The kernel launched last has written these tensors, and nothing else. */
    void follows(CudaTensor out, CudaTensor other) {
        written = out.storage();
        writtenToo = other.storage();
        launchOfProduct = launch.launches();
    }

    /** Few rows over the cache; false if the shapes are not for it and nothing was done. */
    private boolean few(
            CudaTensor out,
            CudaTensor q,
            CudaTensor keys,
            CudaTensor values,
            Rows rows,
            AttentionSpec spec,
            Deferred.@Nullable Append append) {
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
        int together = perKey == 1 ? 1 : HEADS_TOGETHER;
        int groups = spec.keyValueHeads() * Math.ceilDiv(perKey, together);
        long useful = Math.min((long) rows.pages().columns() * rows.pageSize(), keys.rows());
        int lanes = pieces <= 1 ? 1 : 2 * Integer.highestOneBit(pieces - 1);
        int teams = 128 / lanes;
        int bytes = 4 * together * (teams * (spec.headSize() + 2) + (append == null ? 0 : spec.headSize()));
        if ((long) count * groups > TICKETS || bytes > 48 << 10) {
            return false;
        }
        int parts = Math.clamp(
                Math.min(
                        (append == null ? BLOCKS_EACH : NEW_BLOCKS_EACH) * processors / ((long) count * groups),
                        Math.ceilDiv(useful, 32)),
                1,
                MOST_PARTS);
        long states = scratch.atLeast(4L * count * spec.heads() * parts * (spec.headSize() + 2));
        launch.structure()
                .field(out)
                .field(q)
                .field(keys)
                .field(values)
                .field(states)
                .field(tickets);
        launch.field(count).field(spec.heads()).field(spec.keyValueHeads()).field(spec.headSize());
        launch.field(spec.causal() ? 1 : 0)
                .field(spec.window())
                .field(parts)
                .field(ahead(keys, values, rows, append) ? 1 : 0);
        launch.field(spec.scale()).field(spec.softcap());
        rows.field(launch, keys);
        if (append != null) {
            field(append);
        }
        String name = (append == null ? "attendFew_" : "attendNew_") + keys.dtype() + "_" + together;
        launch.runDependent(module.function(name), parts, groups, count, 128, bytes);
        return true;
    }

    /** Whether what was in the cache before these rows, and where it is, is not being written by the kernel in front. */
    private boolean ahead(CudaTensor keys, CudaTensor values, Rows rows, Deferred.@Nullable Append append) {
        if (append != null) {
            return launch.launches() == launchOfProduct
                    && keys.storage() != written
                    && values.storage() != written
                    && keys.storage() != writtenToo
                    && values.storage() != writtenToo;
        }
        return launch.launches() == launchOfAppend
                && appended != null
                && appended.keys().sameRows(keys)
                && appended.rows().positions().sameRows(rows.positions())
                && appended.rows().sequences().sameRows(rows.sequences());
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
        if (flash(out, q, keys, values, rows, spec)) {
            return true;
        }
        int groups = Math.ceilDiv(spec.headSize(), 32) * 2;
        int pitch = 2 * (16 * groups + 8);
        launch.structure();
        fields(out, q, keys, values, rows, spec);
        int blocks = Math.multiplyExact(Math.ceilDiv(out.rows(), 64), spec.heads());
        int shared = 4 * 64 * pitch + 4 * 64 * 8 + 8 * 4 + 3 * 64 * 4;
        String name = "attendMany_" + keys.dtype() + "_" + groups;
        launch.runDependent(module.function(name), blocks, 1, 1, 128, shared);
        return true;
    }

    /** The structure of kernels that attend at once to all positions of a row. */
    private void fields(
            CudaTensor out, CudaTensor q, CudaTensor keys, CudaTensor values, Rows rows, AttentionSpec spec) {
        launch.field(out).field(q).field(keys).field(values).field(0L).field(0L);
        launch.field(out.rows()).field(spec.heads()).field(spec.keyValueHeads()).field(spec.headSize());
        launch.field(spec.causal() ? 1 : 0).field(spec.window()).field(1).field(0);
        launch.field(spec.scale()).field(spec.softcap());
        rows.field(launch, keys);
    }

    /** As {@link #many}, where the device has the matrix instructions and pages are no smaller than what is brought at once. */
    private boolean flash(
            CudaTensor out, CudaTensor q, CudaTensor keys, CudaTensor values, Rows rows, AttentionSpec spec) {
        int headSize = spec.headSize();
        int box = Math.min(FLASH_TILE, Integer.lowestOneBit(rows.pageSize()));
        if (!wgmma
                || keys.dtype() != DType.F16
                || headSize != 64 && headSize != 128
                || box < SMALLEST_BOX
                || !q.isAligned()
                || !out.isAligned()) {
            return false;
        }
        launch.structure();
        for (CudaTensor cache : new CudaTensor[] {keys, values}) {
            long bytes = 2 * cache.stride();
            tiles.rows(launch.map(), DType.F16, cache.address(), cache.rows(), cache.columns(), bytes, box, 64);
        }
        fields(out, q, keys, values, rows, spec);
        long to = scratch.atLeast(CudaMany.roundedBytes(out));
        launch.field(Integer.numberOfTrailingZeros(box)).field(to);
        int blocks = Math.multiplyExact(Math.ceilDiv(out.rows(), FLASH_TILE), spec.heads());
        int shared = 5 * FLASH_TILE * 2 * headSize + 1024;
        launch.runDependent(module.function("flash_" + headSize), blocks, 1, 1, 384, shared);
        rounded.made(out, to, launch.launches());
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

    /**
     * Attends to rows of the cache.
     *
     * @param append to be done on the way, or null
     * @return false if it cannot be and nothing was done
     */
    boolean cached(
            CudaTensor out,
            CudaTensor q,
            CudaTensor keys,
            CudaTensor values,
            Rows rows,
            AttentionSpec spec,
            Deferred.@Nullable Append append) {
        if (few(out, q, keys, values, rows, spec, append)) {
            return true;
        }
        if (append != null) {
            return false;
        }
        if (many(out, q, keys, values, rows, spec)) {
            return true;
        }
        long capacity = Math.min((long) rows.pages().columns() * rows.pageSize(), keys.rows());
        attend(out, q, keys, values, (long) rows.pages().columns() * rows.pageSize(), capacity, spec, () -> {
            rows.put(launch);
            launch.put(0L).put(0L).put(0);
        });
        return true;
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
        int parts = Math.clamp((useful + SMALLEST_PART - 1) / SMALLEST_PART, 1, MOST_PARTS);
        int partSize = Math.clamp((positions + parts - 1) / parts, 1, Integer.MAX_VALUE);
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
