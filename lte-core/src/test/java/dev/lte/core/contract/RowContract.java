package dev.lte.core.contract;

import dev.lte.backend.Activation;
import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import org.junit.jupiter.api.Test;

/** Operations on single rows and elements. */
interface RowContract extends Contract {
    /** Around zero, where formulas cancel; where they saturate; where their exponentials overflow. */
    float[] EXTREMES = {
        0, -0f, 1e-30f, -1e-30f, 1e-8f, -1e-8f, 1e-4f, -1e-4f, 0.5f, -0.5f, 1, -1, 3, -3, 5, -5, 9, -9, 20, -20, 60,
        -60, 88, -88, 100, -100, 1e4f, -1e4f, Float.NaN
    };

    @Test
    default void embedsRowsOfTablesOfEveryType() {
        for (DType dtype : weightTypes()) {
            for (int columns : Contract.columns(dtype)) {
                int rows = columns > 1000 ? 2 : 17;
                for (Write write : Write.values()) {
                    embed(rows, 29, columns, write, 1, dtype);
                    embed(rows, 29, columns, write, 0.25f, dtype);
                }
            }
        }
    }

    @Test
    default void embedsRowsOfATableInParts() {
        for (DType dtype : weightTypes()) {
            embed(5, 7, 256, Write.SET, 11.5f, dtype, DType.F32);
        }
    }

    @Test
    default void clampsIdsIntoTheTable() {
        rig().compare("embed of ids outside", 59, side -> {
            int[] ids = {-1, 0, 8, 9, Integer.MAX_VALUE, Integer.MIN_VALUE};
            Tensor table = side.weight(RandomWeights.matrix(DType.F32, 9, 40, side.random()));
            Output out = side.output("out", ids.length, 40).within(Bound.of(0, Bound.FEW));
            side.queue().embed(out.tensor(), table, side.input(ids, ids.length, 1), 1, Write.SET);
        });
        rig().compare("gatherRows of rows outside", 61, side -> {
            int[] rows = {7, -1, 0, 6, 7, Integer.MAX_VALUE, Integer.MIN_VALUE};
            Tensor x = side.input(Values.normal(side.random(), 7 * 40), 7, 40);
            Output out = side.output("out", rows.length, 40);
            side.queue().gatherRows(out.tensor(), x, side.input(rows, rows.length, 1));
        });
    }

    @Test
    default void gathersRows() {
        for (int rows : ROWS) {
            for (int columns : Contract.columns(DType.F32)) {
                rig().compare("gatherRows, S " + rows + ", D " + columns, 67, side -> {
                    Tensor x = side.input(Values.normal(side.random(), 20 * columns), 20, columns);
                    Tensor indices = side.input(Values.integers(side.random(), rows, 0, 20), rows, 1);
                    Output out = side.output("out", rows, columns);
                    side.queue().gatherRows(out.tensor(), x, indices);
                });
            }
        }
    }

    @Test
    default void addsRows() {
        for (int rows : ROWS) {
            for (int columns : Contract.columns(DType.F32)) {
                rig().compare("add, T " + rows + ", D " + columns, 71, side -> {
                    float[] values = Values.outliers(side.random(), rows * columns);
                    Tensor x = side.input(Values.outliers(side.random(), rows * columns), rows, columns);
                    Output y = side.changing("y", DType.F32, values, rows, columns);
                    side.queue().add(y.tensor(), x);
                });
            }
        }
    }

    @Test
    default void activatesOrdinaryAndExtremeValues() {
        for (Activation activation : Activation.values()) {
            for (int columns : Contract.columns(DType.F32)) {
                rig().compare(activation + " of " + columns + " columns", 73, side -> {
                    float[] x = extremes(Values.outliers(side.random(), 5 * columns));
                    Output out = side.changing("x", DType.F32, x, 5, columns)
                            .within((row, column, expected) ->
                                    1e-30 + Bound.FEW * (Math.abs(expected) + magnitude(x[row * columns + column])));
                    side.queue().activate(out.tensor(), activation);
                });
            }
        }
    }

    @Test
    default void capsOrdinaryAndExtremeValues() {
        for (float cap : new float[] {1, 30, 50}) {
            for (int columns : Contract.columns(DType.F32)) {
                rig().compare("softcap " + cap + " of " + columns + " columns", 79, side -> {
                    float[] x = extremes(Values.outliers(side.random(), 3 * columns));
                    Output out = side.changing("x", DType.F32, x, 3, columns)
                            .within((row, column, expected) ->
                                    1e-30 + Bound.FEW * Math.min(cap, Math.abs(x[row * columns + column])));
                    side.queue().softcap(out.tensor(), cap);
                });
            }
        }
    }

    @Test
    default void findsTheLowestIndexOfTheLargestElement() {
        for (int rows : ROWS) {
            for (int columns : new int[] {1, 2, 31, 33, 64, 207, 4098, 50_257}) {
                if (rows > 5 && columns > 5000) {
                    continue;
                }
                rig().compare("argmax, T " + rows + ", V " + columns, 83, side -> {
                    // Few different values, so that the largest comes up many times.
                    int[] levels = Values.integers(side.random(), rows * columns, -1000, -990);
                    float[] logits = new float[levels.length];
                    for (int i = 0; i < logits.length; i++) {
                        logits[i] = side.random().nextInt(3) == 0 ? levels[i] : -995;
                    }
                    Output ids = side.integers("ids", rows, 1);
                    side.queue().argmax(ids.tensor(), side.input(logits, rows, columns));
                });
            }
        }
    }

    @Test
    default void findsTheLargestElementAtEveryPlace() {
        for (int columns : new int[] {5, 33, 100}) {
            rig().compare("argmax of " + columns + " places", 89, side -> {
                float[] logits = new float[columns * columns];
                for (int t = 0; t < columns; t++) {
                    logits[t * columns + t] = t % 2 == 0 ? Float.POSITIVE_INFINITY : 1e-20f;
                }
                Output ids = side.integers("ids", columns, 1);
                side.queue().argmax(ids.tensor(), side.input(logits, columns, columns));
            });
        }
        rig().compare("argmax of nothing but negative infinity", 97, side -> {
            float[] logits = new float[50];
            java.util.Arrays.fill(logits, Float.NEGATIVE_INFINITY);
            Output ids = side.integers("ids", 1, 1);
            side.queue().argmax(ids.tensor(), side.input(logits, 1, 50));
        });
    }

    private void embed(int rows, int vocabulary, int columns, Write write, float scale, DType... types) {
        String what = "embed " + java.util.Arrays.toString(types) + ", T " + rows + ", D " + columns + ", scale "
                + scale + ", " + write;
        rig().compare(what, 101, side -> {
            WeightData[] parts = new WeightData[types.length];
            for (int i = 0; i < parts.length; i++) {
                parts[i] = RandomWeights.matrix(types[i], vocabulary, columns, side.random());
            }
            Tensor table = side.weight(parts);
            int[] ids = Values.integers(side.random(), rows, 0, vocabulary * parts.length);
            float[] before = Values.normal(side.random(), rows * columns);
            Output out = side.changing("out", DType.F32, before, rows, columns)
                    .within((row, column, expected) ->
                            Bound.FEW * (Math.abs(expected) + 2 * Math.abs(before[row * columns + column])));
            side.queue().embed(out.tensor(), table, side.input(ids, rows, 1), scale, write);
        });
    }

    private static float[] extremes(float[] values) {
        for (int i = 0; i < values.length; i++) {
            if (i % 2 == 0) {
                values[i] = EXTREMES[i / 2 % EXTREMES.length];
            }
        }
        return values;
    }

    /** What the terms of an activation's formula can be at most: beyond 10, formulas saturate. */
    private static double magnitude(float x) {
        return Math.min(Math.abs(x), 10);
    }
}
