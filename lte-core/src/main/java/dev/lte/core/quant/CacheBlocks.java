package dev.lte.core.quant;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Q8_0 as keys and values are kept in it: the bits of {@link BlockFormats}, but any float may come. A block with a value that
 * it cannot hold (no number, or beyond 127 times the largest F16) becomes NaN, so that an overflow shows in what is computed
 * from it. Encoding what was decoded gives the same values. Thread-safe.
 */
public final class CacheBlocks {
    private static final int SIZE = DType.Q8_0.blockSize();
    private static final int BYTES = DType.Q8_0.blockBytes();
    private static final float LARGEST = 127 * 65504f;
    private static final byte NAN_HIGH = 0x7e;

    private CacheBlocks() {}

    /** Bytes of {@code count} elements, whole blocks. */
    public static int bytes(int count) {
        return Math.toIntExact(DType.Q8_0.byteSize(count));
    }

    /** Encodes {@code count} elements, whole blocks. */
    public static void encode(float[] in, int start, int count, byte[] out, int offset) {
        byte[] block = new byte[BYTES];
        for (int done = 0; done < count; done += SIZE) {
            if (fits(in, start + done)) {
                SmallBlocks.encodeQ80(in, start + done, block);
                System.arraycopy(block, 0, out, offset, BYTES);
            } else {
                Arrays.fill(out, offset, offset + BYTES, (byte) 0);
                out[offset + 1] = NAN_HIGH;
            }
            offset += BYTES;
        }
    }

    private static boolean fits(float[] in, int start) {
        for (int i = start; i < start + SIZE; i++) {
            if (!(Math.abs(in[i]) <= LARGEST)) {
                return false;
            }
        }
        return true;
    }

    /** Decodes {@code count} elements, whole blocks. Any bytes are valid. */
    public static void decode(byte[] in, int offset, float[] out, int start, int count) {
        BlockFormats.decode(DType.Q8_0, MemorySegment.ofArray(in), offset, out, start, count);
    }
}
