package dev.lte.core.quant;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Numbers inside the bytes of blocks, little-endian. */
final class BlockBytes {
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private BlockBytes() {}

    static int int16(byte[] block, int at) {
        return (short) SHORT.get(block, at);
    }

    static int int32(byte[] block, int at) {
        return (int) INT.get(block, at);
    }

    static float half(byte[] block, int at) {
        return Float.float16ToFloat((short) SHORT.get(block, at));
    }

    /**
     * Writes a scale, rounded to half precision.
     *
     * @return the scale as it will be read
     * @throws IllegalArgumentException if half precision has no such number
     */
    static float putHalf(byte[] block, int at, float scale) {
        short half = Float.floatToFloat16(scale);
        float rounded = Float.float16ToFloat(half);
        if (!Float.isFinite(rounded)) {
            throw tooLarge(scale);
        }
        SHORT.set(block, at, half);
        return rounded;
    }

    static IllegalArgumentException tooLarge(float scale) {
        return new IllegalArgumentException("expected values whose scale is at most 65504, found a scale of " + scale);
    }
}
