package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import java.lang.foreign.MemorySegment;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;

/** Brings weights to the device, slab by slab, and lays them out for the kernels. One thread at a time; the context must be current. */
final class CudaPacker implements AutoCloseable {
    private static final long SLAB = 64L << 20;
    private static final int STREAM_NON_BLOCKING = 1;

    private final CudaMemory memory;
    private final CudaModule module;
    private final CUstream_st stream = new CUstream_st();
    private final CudaLaunch launch;
    private long slab;

    /**
     * Where source rows go: row s to {@code (s / run) * pitch + s % run + offset}, piece g of the columns {@code piecePitch x g}
     * rows further down.
     */
    record Layout(int run, int pitch, int offset, long piecePitch, int pieces) {
        static Layout plain(int rows) {
            return new Layout(rows, 0, 0, 0, 1);
        }
    }

    CudaPacker(CudaMemory memory, CudaModule module) {
        this.memory = memory;
        this.module = module;
        check("cuStreamCreate", cudart.cuStreamCreate(stream, STREAM_NON_BLOCKING));
        launch = new CudaLaunch(stream);
    }

    void zero(long address, long bytes) {
        check("cuMemsetD8Async", cudart.cuMemsetD8Async(address, (byte) 0, bytes, stream));
        await();
    }

    /** Room for rows, padded to 16 bytes. */
    Segment allocate(String what, DType dtype, int rows, int columns) {
        long stride = (Segment.rowBytes(dtype, columns) + 15) / 16 * 16;
        long address = memory.allocate(what, Math.multiplyExact(stride, (long) rows));
        try {
            long scales = dtype.isQuantized() ? memory.allocate(what, 2L * rows * (columns / 32)) : 0;
            return new Segment(dtype, rows, address, scales, stride);
        } catch (RuntimeException e) {
            memory.free(address);
            throw e;
        }
    }

    void free(Segment segment) {
        memory.free(segment.address());
        memory.free(segment.scales());
    }

    /** Packs a weight of the segment's type; {@code layout} leads to the segment's rows. */
    void pack(WeightData data, Segment to, Layout layout) {
        long slabBytes = Math.max(SLAB, data.rowBytes());
        if (slab == 0 || slabBytes > SLAB) {
            memory.free(slab);
            slab = memory.allocate("staging of " + data.name(), slabBytes);
        }
        int rowsAtOnce = Math.clamp(slabBytes / data.rowBytes(), 1, data.rows());
        for (int first = 0; first < data.rows(); first += rowsAtOnce) {
            int rows = Math.min(rowsAtOnce, data.rows() - first);
            upload(data.bytes().asSlice(first * data.rowBytes(), rows * data.rowBytes()));
            launch.start()
                    .put(to.address())
                    .put(to.scales())
                    .put(to.stride())
                    .put(slab)
                    .put(data.rowBytes());
            launch.put(to.code()).put(first).put(rows).put(data.columns() / layout.pieces());
            put(layout);
            run("packRows", rows, to.stride(), layout);
            await();
        }
    }

    /** Decodes a weight of any type to the segment's F32. */
    void spread(WeightData data, Segment to, Layout layout) {
        Segment packed = allocate("staging of " + data.name(), data.dtype(), data.rows(), data.columns());
        try {
            pack(data, packed, Layout.plain(data.rows()));
            launch.start()
                    .put(to.address())
                    .put(to.stride())
                    .put(packed.address())
                    .put(packed.scales());
            launch.put(packed.stride()).put(packed.code()).put(data.columns()).put(data.rows());
            launch.put(data.columns() / layout.pieces());
            put(layout);
            run("spreadRows", data.rows(), to.stride(), layout);
            await();
        } finally {
            free(packed);
        }
    }

    private void put(Layout layout) {
        launch.put(layout.run()).put(layout.pitch()).put(layout.offset()).put(layout.piecePitch());
    }

    private void run(String kernel, int rows, long stride, Layout layout) {
        int x = Math.clamp(stride / 1024, 1, 64);
        launch.run(module.function(kernel), x, Math.min(rows, 32_768), layout.pieces(), 256);
    }

    private void upload(MemorySegment bytes) {
        MemorySegment from = bytes;
        if (!bytes.isNative()) {
            from = java.lang.foreign.Arena.ofAuto().allocate(bytes.byteSize()).copyFrom(bytes);
        }
        try (BytePointer pointer = new BytePointer(from.asByteBuffer())) {
            check("cuMemcpyHtoDAsync", cudart.cuMemcpyHtoDAsync(slab, pointer, bytes.byteSize(), stream));
            await();
        }
    }

    private void await() {
        check("cuStreamSynchronize", cudart.cuStreamSynchronize(stream));
    }

    @Override
    public void close() {
        launch.close();
        check("cuStreamDestroy", cudart.cuStreamDestroy(stream));
    }
}
