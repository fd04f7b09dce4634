package dev.lte.core.train;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import dev.lte.core.quant.BlockFormats;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Weights on the host.
 *
 * @param rows output features; 1 for a vector
 * @param columns input features
 * @param values (rows, columns), not copied
 */
public record Matrix(int rows, int columns, float[] values) {
    public Matrix {
        if ((long) rows * columns != values.length) {
            throw new IllegalArgumentException(
                    "expected " + rows + " x " + columns + " values, found " + values.length);
        }
    }

    /** Of a weight of any type, decoded. */
    public static Matrix of(WeightData weight) {
        float[] values = new float[Math.multiplyExact(weight.rows(), weight.columns())];
        for (int r = 0; r < weight.rows(); r++) {
            BlockFormats.decode(
                    weight.dtype(),
                    weight.bytes(),
                    r * weight.rowBytes(),
                    values,
                    r * weight.columns(),
                    weight.columns());
        }
        return new Matrix(weight.rows(), weight.columns(), values);
    }

    /** A copy as F32 weights, freed when nothing refers to them. */
    public WeightData weight(String name) {
        MemorySegment bytes = Arena.ofAuto().allocate(DType.F32.byteSize(values.length), 64);
        BlockFormats.encode(DType.F32, values, 0, values.length, bytes, 0);
        return new WeightData(name, DType.F32, rows, columns, bytes);
    }
}
