package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;

/**
 * Moves arrays to and from tensors of a queue: through pinned memory to a staging area on the device, where a kernel converts
 * and scatters them. Writes fill the area one behind the other and wait only when it is full.
 */
final class CudaTransfers {
    private static final long AREA = 4L << 20;
    private static final int AREA_VALUES = (int) (AREA / 4);

    private final CudaMemory memory;
    private final CudaModule module;
    private final CudaLaunch launch;
    private final CUstream_st stream;
    private final BytePointer pinned = new BytePointer();
    private final MemorySegment host;
    private final long device;
    private long used;

    CudaTransfers(CudaMemory memory, CudaModule module, CudaLaunch launch) {
        this.memory = memory;
        this.module = module;
        this.launch = launch;
        stream = launch.stream();
        device = memory.allocate("staging memory of a queue", AREA);
        check("cuMemHostAlloc", cudart.cuMemHostAlloc(pinned, AREA, 0));
        pinned.capacity(AREA);
        host = MemorySegment.ofBuffer(pinned.asByteBuffer());
    }

    /** Copies one rectangle of values between an array and the host's side of the area. */
    private interface Copy {
        void run(int arrayIndex, long offset, int count);
    }

    private interface Move {
        void run(CudaTensor part, long offset);
    }

    void write(CudaTensor to, float[] values) {
        forParts(
                to,
                (part, first) -> put(
                        part,
                        first,
                        to.columns(),
                        (index, offset, count) ->
                                MemorySegment.copy(values, index, host, ValueLayout.JAVA_FLOAT, offset, count)));
    }

    void write(CudaTensor to, int[] values) {
        forParts(
                to,
                (part, first) -> put(
                        part,
                        first,
                        to.columns(),
                        (index, offset, count) ->
                                MemorySegment.copy(values, index, host, ValueLayout.JAVA_INT, offset, count)));
    }

    void read(CudaTensor from, float[] values) {
        forParts(
                from,
                (part, first) -> get(
                        part,
                        first,
                        from.columns(),
                        (index, offset, count) ->
                                MemorySegment.copy(host, ValueLayout.JAVA_FLOAT, offset, values, index, count)));
    }

    void read(CudaTensor from, int[] values) {
        forParts(
                from,
                (part, first) -> get(
                        part,
                        first,
                        from.columns(),
                        (index, offset, count) ->
                                MemorySegment.copy(host, ValueLayout.JAVA_INT, offset, values, index, count)));
    }

    /** Cuts a tensor into pieces that fit the area; a piece comes with the array index of its first value. */
    private void forParts(CudaTensor whole, Move move) {
        int columns = whole.columns();
        if (columns == 0 || whole.rows() == 0) {
            return;
        }
        int width = Math.min(columns, AREA_VALUES);
        int height = Math.max(1, AREA_VALUES / width);
        for (int row = 0; row < whole.rows(); row += height) {
            CudaTensor rows = whole.rowRange(row, Math.min(row + height, whole.rows()));
            for (int column = 0; column < columns; column += width) {
                int end = Math.min(column + width, columns);
                CudaTensor part = width == columns ? rows : rows.columnRange(column, end);
                move.run(part, (long) row * columns + column);
            }
        }
    }

    private void put(CudaTensor part, long first, int arrayColumns, Copy copy) {
        long bytes = 4L * part.rows() * part.columns();
        if (used + bytes > AREA) {
            await();
        }
        copyRows(part, first, arrayColumns, used, copy);
        long staged = device + used;
        try (BytePointer from = pinned.getPointer(used)) {
            check("cuMemcpyHtoDAsync", cudart.cuMemcpyHtoDAsync(staged, from, bytes, stream));
            launch.separate();
        }
        used += (bytes + 15) / 16 * 16;
        launch.start();
        if (part.dtype() == DType.I32) {
            launch.put(part)
                    .put(staged)
                    .put((long) part.columns())
                    .put(0L)
                    .put(0L)
                    .put(0);
            launch.put(part.rows()).put(part.columns());
            launch.runRows(module.function("gather"), part.rows(), part.columns());
        } else {
            launch.put(part).put(Segment.code(part.dtype())).put(staged).put((long) part.columns());
            launch.put(part.rows()).put(part.columns());
            launch.runRows(module.function("store"), part.rows(), part.columns());
        }
    }

    private void get(CudaTensor part, long first, int arrayColumns, Copy copy) {
        await();
        int columns = part.columns();
        if (part.dtype() == DType.I32) {
            launch.start()
                    .put(device)
                    .put((long) columns)
                    .put(part)
                    .put(0L)
                    .put(0L)
                    .put(0);
            launch.put(part.rows()).put(columns);
            launch.runRows(module.function("gather"), part.rows(), columns);
        } else {
            long to = device;
            for (Segment segment : part.segments()) {
                launch.start()
                        .put(to)
                        .put((long) columns)
                        .put(segment.address())
                        .put(segment.scales());
                launch.put(segment.stride())
                        .put(segment.code())
                        .put(0L)
                        .put(0L)
                        .put(0)
                        .put(segment.rows());
                launch.put(segment.rows())
                        .put(segment.rows())
                        .put(columns)
                        .put(1f)
                        .put(0);
                launch.runRows(module.function("embed"), Math.max(1, segment.rows()), columns);
                to += 4L * segment.rows() * columns;
            }
        }
        long bytes = 4L * part.rows() * columns;
        check("cuMemcpyDtoHAsync", cudart.cuMemcpyDtoHAsync(pinned, device, bytes, stream));
        launch.separate();
        await();
        copyRows(part, first, arrayColumns, 0, copy);
    }

    private static void copyRows(CudaTensor part, long first, int arrayColumns, long offset, Copy copy) {
        int columns = part.columns();
        if (columns == arrayColumns) {
            copy.run(Math.toIntExact(first), offset, part.rows() * columns);
            return;
        }
        for (int row = 0; row < part.rows(); row++) {
            copy.run(Math.toIntExact(first + (long) row * arrayColumns), offset + 4L * row * columns, columns);
        }
    }

    void await() {
        check("cuStreamSynchronize", cudart.cuStreamSynchronize(stream));
        used = 0;
    }

    /** The stream must have run. */
    void free() {
        memory.free(device);
        check("cuMemFreeHost", cudart.cuMemFreeHost(pinned));
    }
}
