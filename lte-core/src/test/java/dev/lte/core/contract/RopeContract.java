package dev.lte.core.contract;

import dev.lte.backend.DType;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Rotary position embedding. */
interface RopeContract extends Contract {
    @Test
    default void rotatesAllOrSomeColumnsOfEveryHead() {
        for (RopeSpec.Pairing pairing : RopeSpec.Pairing.values()) {
            for (int rows : ROWS) {
                rope(rows, 1, new RopeSpec(2, 2, pairing));
                rope(rows, 3, new RopeSpec(8, 8, pairing));
                rope(rows, 2, new RopeSpec(48, 48, pairing));
                rope(rows, 5, new RopeSpec(64, 64, pairing));
                rope(rows, 2, new RopeSpec(80, 20, pairing));
                rope(rows, 2, new RopeSpec(13, 6, pairing));
            }
            rope(3, 32, new RopeSpec(128, 128, pairing));
            rope(3, 2, new RopeSpec(16, 0, pairing));
        }
    }

    @Test
    default void leavesOtherRowsAloneWhenOneIsPadding() {
        for (RopeSpec.Pairing pairing : RopeSpec.Pairing.values()) {
            rig().compare("rope with padding, " + pairing, 47, side -> {
                Tensor table = side.input(angles(10, 16), 10, 16);
                Tensor positions = side.input(new int[] {3, -1, 9, -1}, 4, 1);
                Output x = side.changing("x", DType.F32, Values.normal(side.random(), 4 * 32), 4, 32)
                        .within((row, column, expected) -> row % 2 == 1 ? Double.POSITIVE_INFINITY : 1e-5);
                side.queue().rope(x.tensor(), positions, table, new RopeSpec(16, 16, pairing));
            });
        }
    }

    private void rope(int rows, int heads, RopeSpec spec) {
        rig().compare(spec + ", T " + rows + ", " + heads + " heads", 53 + rows, side -> {
            int columns = heads * spec.headSize();
            float[] values = Values.outliers(side.random(), rows * columns);
            Tensor table = side.input(angles(40, spec.rotated()), 40, spec.rotated());
            Tensor positions = side.input(Values.integers(side.random(), rows, 0, 40), rows, 1);
            Output x = side.changing("x", DType.F32, values, rows, columns)
                    .within((row, column, expected) -> Bound.FEW * largest(values, row * columns, columns));
            side.queue().rope(x.tensor(), positions, table, spec);
        });
    }

    /** Cosines and sines of base 10000. */
    private static float[] angles(int positions, int rotated) {
        float[] table = new float[positions * rotated];
        for (int p = 0; p < positions; p++) {
            for (int i = 0; i < rotated; i += 2) {
                double angle = p * Math.pow(10000, -(double) i / rotated);
                table[p * rotated + i] = (float) Math.cos(angle);
                table[p * rotated + i + 1] = (float) Math.sin(angle);
            }
        }
        return table;
    }

    private static double largest(float[] values, int from, int count) {
        double largest = 0;
        for (float value : Arrays.copyOfRange(values, from, from + count)) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }
}
