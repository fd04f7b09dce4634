package dev.lte.core.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** F32, F16 and BF16: one element at a time, rounded to nearest even. */
final class PlainFormats {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Elements that are converted in one go. */
    private static final int CHUNK = 4096;

    private PlainFormats() {}

    static void f32(MemorySegment in, long offset, float[] out, int start, int count) {
        MemorySegment.copy(in, FLOAT, offset, out, start, count);
    }

    static void f32(float[] in, int start, int count, MemorySegment out, long offset) {
        MemorySegment.copy(in, start, out, FLOAT, offset, count);
    }

    static void f16(MemorySegment in, long offset, float[] out, int start, int count) {
        short[] chunk = new short[Math.min(count, CHUNK)];
        for (int done = 0; done < count; done += CHUNK) {
            int now = Math.min(CHUNK, count - done);
            MemorySegment.copy(in, SHORT, offset + 2L * done, chunk, 0, now);
            for (int i = 0; i < now; i++) {
                out[start + done + i] = Float.float16ToFloat(chunk[i]);
            }
        }
    }

    static void f16(float[] in, int start, int count, MemorySegment out, long offset) {
        short[] chunk = new short[Math.min(count, CHUNK)];
        for (int done = 0; done < count; done += CHUNK) {
            int now = Math.min(CHUNK, count - done);
            for (int i = 0; i < now; i++) {
                chunk[i] = Float.floatToFloat16(in[start + done + i]);
            }
            MemorySegment.copy(chunk, 0, out, SHORT, offset + 2L * done, now);
        }
    }

    static void bf16(MemorySegment in, long offset, float[] out, int start, int count) {
        short[] chunk = new short[Math.min(count, CHUNK)];
        for (int done = 0; done < count; done += CHUNK) {
            int now = Math.min(CHUNK, count - done);
            MemorySegment.copy(in, SHORT, offset + 2L * done, chunk, 0, now);
            for (int i = 0; i < now; i++) {
                out[start + done + i] = Float.intBitsToFloat(chunk[i] << 16);
            }
        }
    }

    static void bf16(float[] in, int start, int count, MemorySegment out, long offset) {
        short[] chunk = new short[Math.min(count, CHUNK)];
        for (int done = 0; done < count; done += CHUNK) {
            int now = Math.min(CHUNK, count - done);
            for (int i = 0; i < now; i++) {
                chunk[i] = toBf16(in[start + done + i]);
            }
            MemorySegment.copy(chunk, 0, out, SHORT, offset + 2L * done, now);
        }
    }

    /** The upper half of the bits; a NaN stays one even if only bits of its lower half say so. */
    private static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int rounded = bits + 0x7fff + (bits >>> 16 & 1) >>> 16;
        return (short) (Float.isNaN(value) ? bits >>> 16 | 0x40 : rounded);
    }
}
