package dev.lte.cpu;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Hands out runs of a weight's rows in the bytes of its {@link TileFormat}: unchanged where the file has that type and the
 * run falls on block boundaries, otherwise decoded to F32 and quantised again to Q8_0 (largest magnitude to 127, nearest,
 * as ggml does). Used by one thread.
 */
final class RowReader {
    private final WeightData data;
    private final TileFormat format;
    private final boolean same;
    private float[] values = {};
    private byte[] encoded = {};

    RowReader(WeightData data, TileFormat format, boolean onBlocks) {
        this.data = data;
        this.format = format;
        this.same = data.dtype() == format.dtype() && onBlocks;
    }

    /**
     * Copies columns {@code from} to {@code from + count} of a row, followed by zeros up to {@code padded} columns.
     *
     * @return bytes written
     */
    int read(int row, int from, int count, int padded, byte[] to, int toStart) {
        int bytes = (int) format.dtype().byteSize(padded);
        if (same) {
            DType dtype = data.dtype();
            int present = (int) dtype.byteSize(count);
            MemorySegment.copy(
                    data.bytes(), ValueLayout.JAVA_BYTE, row * data.rowBytes() + dtype.byteSize(from), to, toStart, present);
            Arrays.fill(to, toStart + present, toStart + bytes, (byte) 0);
            return bytes;
        }
        DType dtype = data.dtype();
        int size = dtype.blockSize();
        int first = from / size * size;
        int end = Math.min(data.columns(), (from + count + size - 1) / size * size);
        if (values.length < end - first + padded) {
            values = new float[end - first + padded];
        }
        BlockDecoder.decode(dtype, data.bytes(), row * data.rowBytes() + dtype.byteSize(first), end - first, values, 0);
        Arrays.fill(values, from - first + count, from - first + padded, 0f);
        quantize(values, from - first, padded, to, toStart);
        return bytes;
    }

    private void quantize(float[] x, int start, int count, byte[] to, int toStart) {
        if (encoded.length < 34) {
            encoded = new byte[34];
        }
        for (int b = 0; b < count / 32; b++) {
            float largest = 0;
            for (int i = 0; i < 32; i++) {
                largest = Math.max(largest, Math.abs(x[start + b * 32 + i]));
            }
            float scale = largest / 127;
            float inverse = scale == 0 ? 0 : 1 / scale;
            short bits = Float.floatToFloat16(scale);
            encoded[0] = (byte) bits;
            encoded[1] = (byte) (bits >> 8);
            for (int i = 0; i < 32; i++) {
                encoded[2 + i] = (byte) Math.round(x[start + b * 32 + i] * inverse);
            }
            System.arraycopy(encoded, 0, to, toStart + b * 34, 34);
        }
    }
}
