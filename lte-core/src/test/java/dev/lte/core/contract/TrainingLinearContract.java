package dev.lte.core.contract;

import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import org.junit.jupiter.api.Test;

/** Products with plain weights, their gradients, and embeddings. */
interface TrainingLinearContract extends TrainingContract {
    @Test
    default void multipliesAndDifferentiatesMatricesOfEverySize() {
        int number = 0;
        for (DType dtype : trainingTypes()) {
            for (int rows : ROWS) {
                for (int outputs : SIZES) {
                    for (int columns : SIZES) {
                        number++;
                        // Every pair of sizes with one number of rows, and every number of rows with every fifth pair.
                        if (rows == 17 || number % 5 == 0) {
                            products(dtype, rows, outputs, columns, number);
                        }
                    }
                }
            }
        }
    }

    @Test
    default void multipliesAndDifferentiatesLargeMatrices() {
        int[][] sizes = {{257, 70, 300}, {300, 257, 129}, {64, 1030, 40}, {2, 40, 2050}, {1030, 24, 24}};
        for (DType dtype : trainingTypes()) {
            for (int[] size : sizes) {
                products(dtype, size[0], size[1], size[2], size[0]);
            }
        }
    }

    /** Query, key and value, or gate and up, are rows of one weight and columns of one output. */
    @Test
    default void worksOnSlicesOfFusedWeights() {
        for (DType dtype : trainingTypes()) {
            rig().compare("slices, " + dtype, 211, side -> {
                float[] x = Values.normal(side.random(), 20 * 24);
                Tensor in = side.input(dtype, x, 20, 24);
                Tensor weight = side.input(dtype, Values.normal(side.random(), 48 * 24), 48, 24);
                Output fused = side.changing("fused", dtype, new float[20 * 48], 20, 48)
                        .within(TrainingContract.stored(dtype, TrainingContract.sums(24, 4)));
                Tensor dout = side.input(dtype, Values.normal(side.random(), 20 * 48), 20, 48);
                Output dweight = side.changing("dweight", DType.F32, new float[48 * 24], 48, 24)
                        .within(TrainingContract.sums(20, 4));
                Output dx = side.changing("dx", dtype, x, 20, 24)
                        .within(TrainingContract.stored(dtype, TrainingContract.sums(24, 4)));
                side.training()
                        .linear(fused.tensor().columnRange(16, 32), in, weight.rowRange(16, 32), null, Write.SET);
                side.training()
                        .linearBackwardWeight(dweight.tensor().rowRange(16, 32), null, dout.columnRange(16, 32), in);
                side.training()
                        .linearBackwardInput(dx.tensor(), dout.columnRange(16, 32), weight.rowRange(16, 32), Write.SET);
            });
        }
    }

    @Test
    default void embedsAndScattersGradients() {
        for (DType dtype : trainingTypes()) {
            for (int rows : ROWS) {
                for (int columns : SIZES) {
                    embed(dtype, rows, 5, columns, columns % 2 == 0 ? 1 : 8.5f);
                }
            }
            embed(dtype, 700, 300, 65, 1);
        }
    }

    private void embed(DType dtype, int rows, int vocabulary, int columns, float scale) {
        rig().compare("embed " + dtype + ", T " + rows + ", D " + columns, 223 + columns, side -> {
            Tensor table = side.input(dtype, Values.normal(side.random(), vocabulary * columns), vocabulary, columns);
            int[] ids = Values.integers(side.random(), rows, -2, vocabulary + 2);
            Tensor in = side.input(ids, rows, 1);
            Output out = side.changing("out", dtype, Values.normal(side.random(), rows * columns), rows, columns)
                    .within(TrainingContract.stored(dtype, Bound.of(1e-5, Bound.FEW)));
            side.training().embed(out.tensor(), table, in, scale, rows % 2 == 0 ? Write.ADD : Write.SET);
            Tensor dout = side.input(dtype, Values.outliers(side.random(), rows * columns), rows, columns);
            float[] before = Values.normal(side.random(), vocabulary * columns);
            Output dtable = side.changing("dtable", DType.F32, before, vocabulary, columns)
                    .within(TrainingContract.sums(rows, 20 * scale));
            side.training().embedBackward(dtable.tensor(), dout, in, scale);
        });
    }

    private void products(DType dtype, int rows, int outputs, int columns, int number) {
        // BF16 factors may have F32 results: sums over many rows, and the residual stream.
        DType result = number % 3 == 0 ? DType.F32 : dtype;
        Write write = Write.values()[number % 2];
        boolean withBias = number % 4 < 2;
        Side.Layout layout = Side.Layout.values()[number / 2 % 2];
        String what = "products of " + dtype + " to " + result + ", T " + rows + ", weight " + outputs + " x " + columns
                + ", " + write + (withBias ? ", bias" : "");
        rig().compare(what, 227 + number, layout, side -> {
            Tensor x = side.input(dtype, Values.outliers(side.random(), rows * columns), rows, columns);
            Tensor weight = side.input(dtype, Values.normal(side.random(), outputs * columns), outputs, columns);
            Tensor bias = withBias ? side.input(dtype, Values.normal(side.random(), outputs), 1, outputs) : null;
            Tensor dout = side.input(dtype, Values.outliers(side.random(), rows * outputs), rows, outputs);
            Output out = side.changing("out", result, Values.normal(side.random(), rows * outputs), rows, outputs)
                    .within(product(result, side, x, weight, columns));
            Output dx = side.changing("dx", result, Values.normal(side.random(), rows * columns), rows, columns)
                    .within(product(result, side, dout, transposed(side, weight), outputs));
            Output dweight = side.changing(
                            "dweight", DType.F32, Values.normal(side.random(), outputs * columns), outputs, columns)
                    .within(product(DType.F32, side, transposed(side, dout), transposed(side, x), rows));
            Output dbias = side.changing("dbias", DType.F32, Values.normal(side.random(), outputs), 1, outputs)
                    .within(TrainingContract.sums(rows, 20));
            side.training().linear(out.tensor(), x, weight, bias, write);
            side.training().linearBackwardInput(dx.tensor(), dout, weight, write);
            side.training().linearBackwardWeight(dweight.tensor(), withBias ? dbias.tensor() : null, dout, x);
        });
    }

    /** Of {@code a b^T} with rows of {@code columns}, added to numbers around 1. */
    private static Bound product(DType result, Side side, Tensor a, Tensor b, int columns) {
        return product(result, side, side.read(a), side.read(b), columns);
    }

    private static Bound product(DType result, Side side, Tensor a, float[] b, int columns) {
        return product(result, side, side.read(a), b, columns);
    }

    private static Bound product(DType result, Side side, float[] a, float[] b, int columns) {
        Bound sums = new ProductBound(a, b, columns, r -> ActivationRounding.F32);
        return TrainingContract.stored(
                result, (row, column, expected) -> sums.allowed(row, column, expected) + 8 * Bound.FEW);
    }

    private static float[] transposed(Side side, Tensor tensor) {
        float[] from = side.read(tensor);
        float[] to = new float[from.length];
        for (int i = 0; i < from.length; i++) {
            to[i % tensor.columns() * tensor.rows() + i / tensor.columns()] = from[i];
        }
        return to;
    }
}
