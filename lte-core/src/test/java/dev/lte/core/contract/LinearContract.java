package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Weights of all types and their products. */
interface LinearContract extends Contract {
    @Test
    default void supportsExactlyTheWeightTypesThatItIsSaidTo() {
        Backend backend = rig().tested();
        for (DType dtype : Contract.floatingPoint()) {
            assertThat(backend.supportsWeight(dtype))
                    .as(dtype.name())
                    .isEqualTo(weightTypes().contains(dtype));
            if (!weightTypes().contains(dtype)) {
                WeightData data = RandomWeights.matrix(dtype, 2, dtype.blockSize(), new SplittableRandom(1));
                assertThatThrownBy(() -> backend.weight(data))
                        .as(dtype.name())
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining(dtype.name())
                        .hasMessageContaining(data.name());
            }
        }
        assertThat(backend.supportsWeight(DType.I32)).isFalse();
    }

    @Test
    default void readsWeightsBackAsTheyDecode() {
        for (DType dtype : weightTypes()) {
            for (int columns : Contract.columns(dtype)) {
                rig().compare("read " + dtype + " 5 x " + columns, 11, Side.Layout.WHOLE, side -> {
                    Tensor weight = side.weight(RandomWeights.matrix(dtype, 5, columns, side.random()));
                    Bound bound = Bound.of(0, Bound.FEW);
                    side.report("weight", side.read(weight), columns, bound);
                    side.report("rows 1 to 4 of the weight", side.read(weight.rowRange(1, 4)), columns, bound);
                });
            }
        }
    }

    @Test
    default void multipliesWeightsOfEveryTypeAndShape() {
        int[] outputs = {1, 33, 16, 3, 64, 130, 17};
        for (DType dtype : weightTypes()) {
            int number = dtype.ordinal();
            for (int columns : Contract.columns(dtype)) {
                for (int rows : ROWS) {
                    int outputColumns = outputs[number % outputs.length];
                    if (columns > 1000) {
                        outputColumns = Math.min(outputColumns, 17);
                    }
                    Write write = Write.values()[number % 2];
                    boolean bias = number % 3 == 0;
                    Side.Layout layout = Side.Layout.values()[number / 2 % 2];
                    linear(rows, outputColumns, columns, write, bias, layout, dtype);
                    number++;
                }
            }
        }
    }

    @Test
    default void multipliesManyRowsAndColumns() {
        for (DType dtype : weightTypes()) {
            int columns = 512;
            linear(1, 1000, columns, Write.ADD, true, Side.Layout.WHOLE, dtype);
            linear(70, 300, columns, Write.SET, true, Side.Layout.VIEWS, dtype);
        }
    }

    @Test
    default void multipliesPartsOfDifferentTypesAsOneWeight() {
        List<DType> types = new ArrayList<>(weightTypes());
        for (int rows : ROWS) {
            for (int i = 0; i < types.size(); i++) {
                DType[] parts = {types.get(i), types.get((i + 1) % types.size()), types.get(i)};
                linear(rows, 24, 256, Write.SET, i % 2 == 0, Side.Layout.VIEWS, parts);
            }
        }
    }

    @Test
    default void multipliesARangeOfTheRowsOfAWeight() {
        for (DType dtype : weightTypes()) {
            rig().compare("linear with rows 7 to 40 of " + dtype, 17, side -> {
                float[] x = Values.outliers(side.random(), 3 * 256);
                Tensor weight = side.weight(RandomWeights.matrix(dtype, 50, 256, side.random()))
                        .rowRange(7, 40);
                Output out = side.output("out", 3, 33)
                        .within(Bound.lazily(
                                () -> new ProductBound(x, side.read(weight), 256, r -> rounding(dtype, 3))));
                side.queue().linear(out.tensor(), side.input(x, 3, 256), weight, null, Write.SET);
            });
        }
    }

    /** Weights that training changes are ordinary tensors. */
    @Test
    default void multipliesOrdinaryTensors() {
        for (DType dtype : List.of(DType.F32, DType.BF16)) {
            for (int rows : ROWS) {
                rig().compare("linear with an ordinary tensor of " + dtype + ", T " + rows, 19, side -> {
                    float[] x = Values.outliers(side.random(), rows * 65);
                    Tensor weight = side.changing("weight", dtype, Values.normal(side.random(), 35 * 65), 35, 65)
                            .tensor();
                    Output out = side.output("out", rows, 35)
                            .within(Bound.lazily(
                                    () -> new ProductBound(x, side.read(weight), 65, r -> rounding(dtype, rows))));
                    side.queue().linear(out.tensor(), side.input(x, rows, 65), weight, null, Write.SET);
                });
            }
        }
    }

    /** Query, key and value of a fused projection are columns of one output. */
    @Test
    default void writesAndReadsSlicesOfAFusedProjection() {
        rig().compare("slices", 23, side -> {
            float[] x = Values.normal(side.random(), 4 * 64);
            Tensor weight = side.weight(RandomWeights.matrix(DType.F32, 96, 64, side.random()));
            Tensor projection = side.weight(RandomWeights.matrix(DType.F32, 20, 32, side.random()));
            Output fused = side.output("fused", 4, 96)
                    .within(Bound.lazily(
                            () -> new ProductBound(x, side.read(weight), 64, r -> rounding(DType.F32, 4))));
            side.queue().linear(fused.tensor(), side.input(x, 4, 64), weight, null, Write.SET);
            float[] middle = side.read(fused.tensor().columnRange(32, 64));
            Bound product = Bound.lazily(
                    () -> new ProductBound(middle, side.read(projection), 32, r -> rounding(DType.F32, 4)));
            // The slice itself differs already.
            Output out = side.output("out", 4, 20)
                    .within((row, column, expected) -> 1e-4 + product.allowed(row, column, expected));
            side.queue().linear(out.tensor(), fused.tensor().columnRange(32, 64), projection, null, Write.SET);
        });
    }

    @Test
    default void keepsNaNAndZeroInTheirRows() {
        for (DType dtype : weightTypes()) {
            rig().compare("linear with a NaN row and a zero row, " + dtype, 29, side -> {
                float[] x = Values.normal(side.random(), 3 * 256);
                Arrays.fill(x, 256, 512, 0);
                Tensor weight = side.weight(RandomWeights.matrix(dtype, 20, 256, side.random()));
                Bound bound = Bound.lazily(() -> new ProductBound(x, side.read(weight), 256, r -> rounding(dtype, 3)));
                x[5] = Float.NaN;
                Output out = side.output("out", 3, 20);
                side.queue().linear(out.tensor(), side.input(x, 3, 256), weight, null, Write.SET);
                // What a NaN becomes when activations are quantised is undefined, but it must not reach other rows.
                out.within((row, column, expected) ->
                        row == 0 ? Double.POSITIVE_INFINITY : bound.allowed(row, column, expected));
            });
        }
    }

    private void linear(
            int rows, int outputs, int columns, Write write, boolean withBias, Side.Layout layout, DType... types) {
        String what = "linear " + Arrays.toString(types) + ", T " + rows + ", weight " + outputs + " x " + columns
                + ", " + write + (withBias ? ", bias" : "");
        rig().compare(what, 7 + columns, layout, side -> {
            float[] x = Values.outliers(side.random(), rows * columns);
            WeightData[] parts = new WeightData[types.length];
            int partRows = outputs / types.length;
            for (int i = 0; i < parts.length; i++) {
                parts[i] = RandomWeights.matrix(types[i], partRows, columns, side.random());
            }
            Tensor weight = side.weight(parts);
            float[] before = Values.normal(side.random(), rows * outputs);
            float[] biases = Values.normal(side.random(), outputs);
            Bound product = Bound.lazily(() ->
                    new ProductBound(x, side.read(weight), columns, r -> rounding(types[r / partRows], rows)));
            Output out = side.changing("out", DType.F32, before, rows, outputs)
                    .within((row, column, expected) -> product.allowed(row, column, expected)
                            + Bound.FEW * (Math.abs(before[row * outputs + column]) + Math.abs(biases[column])));
            Tensor bias = withBias ? side.input(biases, 1, outputs) : null;
            side.queue().linear(out.tensor(), side.input(x, rows, columns), weight, bias, write);
        });
    }
}
