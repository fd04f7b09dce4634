package dev.lte.cpu;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Hands out runs of a weight's rows in the bytes of a {@link TileFormat}. Nothing is rounded: the format has the file's type
 * and a run is made of whole blocks or lies inside one, or the format is F32 and runs are decoded. Used by one thread.
 */
final class RowReader {
    private final WeightData data;
    private final TileFormat format;
    private float[] values = {};

    RowReader(WeightData data, TileFormat format) {
        this.data = data;
        this.format = format;
    }

    /**
     * The format that keeps the bits of runs of {@code count} columns, one after the other: that of the type, unless runs
     * begin or end inside of blocks without lying in one.
     */
    static TileFormat formatOfRuns(DType dtype, int count) {
        int block = blockOfRuns(dtype);
        return count % block == 0 || block % count == 0 ? TileFormat.ofDown(dtype) : TileFormat.of(DType.F32);
    }

    /** Super-blocks can be taken apart. */
    private static int blockOfRuns(DType dtype) {
        return SplitGroups.has(dtype) ? SplitGroups.COLUMNS : dtype.blockSize();
    }

    /**
     * Copies columns {@code from} to {@code from + count} of a row, then weights for columns up to {@code padded} that are to
     * be multiplied with zeros.
     */
    void read(int row, int from, int count, int padded, byte[] to, int toStart) {
        DType dtype = data.dtype();
        int block = blockOfRuns(dtype);
        if (count != padded || count % block != 0) {
            Arrays.fill(to, toStart, toStart + format.rowBytes(padded), (byte) 0);
        }
        if (dtype != format.dtype()) {
            decode(row, from, count, to, toStart);
        } else if (SplitGroups.has(dtype)) {
            split(row, from, count, to, toStart);
        } else if (count % block == 0) {
            long at = row * data.rowBytes() + dtype.byteSize(from);
            MemorySegment.copy(data.bytes(), ValueLayout.JAVA_BYTE, at, to, toStart, (int) dtype.byteSize(count));
        } else {
            shift(row * data.rowBytes() + dtype.byteSize(from / block * block), from % block, count, to, toStart);
        }
    }

    /** Copies {@code rows} whole rows, if nothing is to be converted; else false, and nothing is copied. */
    boolean readWhole(int row, int rows, int from, int count, int padded, byte[] to) {
        if (data.dtype() != format.dtype()
                || SplitGroups.has(format.dtype())
                || from != 0
                || count != data.columns()
                || count != padded) {
            return false;
        }
        int bytes = Math.toIntExact(rows * data.rowBytes());
        MemorySegment.copy(data.bytes(), ValueLayout.JAVA_BYTE, row * data.rowBytes(), to, 0, bytes);
        return true;
    }

    private void split(int row, int from, int count, byte[] to, int toStart) {
        DType dtype = data.dtype();
        int bytes = SplitGroups.bytes(dtype);
        for (int c = 0; c < count; c += SplitGroups.COLUMNS) {
            int at = toStart + c / SplitGroups.COLUMNS * bytes;
            SplitGroups.read(dtype, data.bytes(), row * data.rowBytes(), from + c, to, at);
            if (count < SplitGroups.COLUMNS) {
                SplitGroups.shift(dtype, to, at, from % SplitGroups.COLUMNS, count);
            }
        }
    }

    /** Moves part of a block to the beginning of one with the same scale. */
    private void shift(long at, int first, int count, byte[] to, int toStart) {
        MemorySegment bytes = data.bytes();
        to[toStart] = bytes.get(ValueLayout.JAVA_BYTE, at);
        to[toStart + 1] = bytes.get(ValueLayout.JAVA_BYTE, at + 1);
        for (int i = 0; i < count; i++) {
            int c = first + i;
            if (data.dtype() == DType.Q8_0) {
                to[toStart + 2 + i] = bytes.get(ValueLayout.JAVA_BYTE, at + 2 + c);
            } else {
                int nibble = bytes.get(ValueLayout.JAVA_BYTE, at + 2 + c % 16) >> (c < 16 ? 0 : 4) & 15;
                to[toStart + 2 + i % 16] |= (byte) (nibble << (i < 16 ? 0 : 4));
            }
        }
    }

    private void decode(int row, int from, int count, byte[] to, int toStart) {
        DType dtype = data.dtype();
        int block = dtype.blockSize();
        int first = from / block * block;
        int end = (from + count + block - 1) / block * block;
        if (values.length < end - first) {
            values = new float[end - first];
        }
        BlockDecoder.decode(dtype, data.bytes(), row * data.rowBytes() + dtype.byteSize(first), end - first, values, 0);
        MemorySegment floats = MemorySegment.ofArray(to);
        for (int i = 0; i < count; i++) {
            floats.set(TileF32.FLOAT, toStart + 4L * i, values[from - first + i]);
        }
    }
}
