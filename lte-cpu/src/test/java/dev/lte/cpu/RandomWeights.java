package dev.lte.cpu;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import java.util.Random;

/** Weights of every type with kernels, with random bits and sane scales, and what they decode to. */
final class RandomWeights {
    private RandomWeights() {}

    static WeightData weight(DType dtype, int rows, int columns, Random random) {
        long rowBytes = dtype.byteSize(columns);
        MemorySegment bytes = Arena.ofAuto().allocate(rows * rowBytes, 64);
        for (long at = 0; at < bytes.byteSize(); at += dtype.blockBytes()) {
            block(dtype, bytes.asSlice(at, dtype.blockBytes()), random);
        }
        return new WeightData(dtype.name().toLowerCase(Locale.ROOT), dtype, rows, columns, bytes);
    }

    /** As {@link #weight}, quickly: one random row of blocks over and over. */
    static WeightData repeated(DType dtype, int rows, int columns, Random random) {
        WeightData row = weight(dtype, 1, columns, random);
        MemorySegment bytes = Arena.ofAuto().allocate(rows * row.rowBytes(), 64);
        for (int r = 0; r < rows; r++) {
            MemorySegment.copy(row.bytes(), 0, bytes, r * row.rowBytes(), row.rowBytes());
        }
        return new WeightData(row.name(), dtype, rows, columns, bytes);
    }

    private static void block(DType dtype, MemorySegment block, Random random) {
        float value = (float) random.nextGaussian() * 0.05f;
        switch (dtype) {
            case F32 -> block.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 0, value);
            case F16 -> block.set(CpuTensor.SHORT, 0, Float.floatToFloat16(value));
            case BF16 -> block.set(CpuTensor.SHORT, 0, HalfRows.floatToBf16(value));
            default -> {
                byte[] bits = new byte[dtype.blockBytes()];
                random.nextBytes(bits);
                MemorySegment.copy(bits, 0, block, ValueLayout.JAVA_BYTE, 0, bits.length);
                switch (dtype) {
                    case Q8_0 -> scale(block, 0, random, 1e-3f);
                    case Q4_0 -> scale(block, 0, random, 1e-2f);
                    case Q4_K -> {
                        scale(block, 0, random, 1e-4f);
                        scale(block, 2, random, 1e-3f);
                    }
                    case Q6_K -> scale(block, 208, random, 2e-5f);
                    default -> throw new IllegalArgumentException(dtype.name());
                }
            }
        }
    }

    private static void scale(MemorySegment block, long at, Random random, float magnitude) {
        float sign = random.nextInt(8) == 0 ? -1 : 1;
        block.set(CpuTensor.SHORT, at, Float.floatToFloat16(sign * magnitude * (0.5f + random.nextFloat())));
    }

    static float[] decode(WeightData data) {
        float[] values = new float[data.rows() * data.columns()];
        BlockDecoder.decode(data.dtype(), data.bytes(), 0, values.length, values, 0);
        return values;
    }

    static float[] floats(int count, Random random) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
