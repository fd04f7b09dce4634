package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.OutOfDeviceMemoryException;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Tensors, their views, and what enters and leaves them. */
interface TensorContract extends Contract {
    List<DType> PLAIN = List.of(DType.F32, DType.F16, DType.BF16);

    /** Ties of both parities, the ends of the ranges, subnormals, and what is no number. */
    float[] ROUNDED = {
        0,
        -0f,
        1,
        -1,
        1.0009765625f,
        1.00048828125f,
        1.00146484375f,
        1.00390625f,
        1.01171875f,
        65504,
        65519.99f,
        65520,
        -65520,
        1e5f,
        6e-8f,
        2.9e-8f,
        3e-8f,
        -6e-8f,
        6.1e-5f,
        6.0e-5f,
        1e-40f,
        3.4e38f,
        Float.MAX_VALUE,
        Float.MIN_VALUE,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.NaN
    };

    @Test
    default void roundsToNearestEvenWhenItWrites() {
        for (DType dtype : PLAIN) {
            rig().compare("write and read " + dtype, 151, side -> {
                float[] random = Values.outliers(side.random(), 40 * 33);
                side.changing("random", dtype, random, 40, 33);
                float[] values = ROUNDED.clone();
                Tensor tensor = side.changing("rounded", dtype, values, 1, values.length)
                        .tensor();
                // What was written may be changed at once.
                Arrays.fill(values, 99);
                side.report("rounded", side.read(tensor), values.length, Bound.exact());
            });
        }
    }

    @Test
    default void keepsIntegersExactly() {
        rig().compare("write and read I32", 157, side -> {
            int[] values = {0, 1, -1, Integer.MAX_VALUE, Integer.MIN_VALUE, (1 << 24) + 1, 123_456_789};
            Tensor tensor = side.integers("integers", 3, 7).tensor();
            for (int row = 0; row < 3; row++) {
                side.queue().write(tensor.rowRange(row, row + 1), values);
            }
        });
    }

    @Test
    default void allocatesZeros() {
        Backend backend = rig().tested();
        KernelQueue queue = rig().queue();
        for (int round = 0; round < 5; round++) {
            for (DType dtype : PLAIN) {
                Tensor tensor = backend.allocate(dtype, 33, 70);
                float[] values = new float[33 * 70];
                Arrays.fill(values, 5);
                queue.read(tensor, values);
                assertThat(values).as("%s, round %d", dtype, round).containsOnly(0);
                Arrays.fill(values, 7);
                queue.write(tensor, values);
                queue.await();
                backend.free(tensor);
            }
            Tensor tensor = backend.allocate(DType.I32, 33, 70);
            int[] values = new int[33 * 70];
            Arrays.fill(values, 5);
            queue.read(tensor, values);
            assertThat(values).as("I32, round %d", round).containsOnly(0);
            backend.free(tensor);
        }
    }

    @Test
    default void viewsShareTheirElements() {
        for (DType dtype : PLAIN) {
            rig().compare("views of " + dtype, 163, side -> {
                Tensor whole = side.changing("whole", dtype, Values.normal(side.random(), 9 * 40), 9, 40)
                        .tensor();
                Tensor rows = whole.rowRange(2, 7);
                Tensor view = rows.columnRange(3, 33).rowRange(1, 4).columnRange(2, 19);
                assertThat(List.of(view.rows(), view.columns(), view.dtype())).isEqualTo(List.of(3, 17, dtype));
                side.report("view", side.read(view), 17, Bound.exact());
                side.queue().write(view, Values.normal(side.random(), 3 * 17));
                side.report("view, written", side.read(view), 17, Bound.exact());
                side.report("rows", side.read(rows), 40, Bound.exact());
            });
        }
    }

    @Test
    default void copiesTheWholeTensorToAndFromLongerArrays() {
        Backend backend = rig().tested();
        Tensor tensor = backend.allocate(DType.F32, 2, 3);
        rig().queue().write(tensor, new float[] {1, 2, 3, 4, 5, 6, 7, 8});
        float[] values = new float[9];
        Arrays.fill(values, -1);
        rig().queue().read(tensor, values);
        assertThat(values).containsExactly(1, 2, 3, 4, 5, 6, -1, -1, -1);
        backend.free(tensor);
    }

    @Test
    default void rejectsViewsOutsideATensor() {
        Tensor tensor = rig().tested().allocate(DType.F32, 4, 6);
        assertThatThrownBy(() -> tensor.rowRange(0, 5)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.rowRange(-1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.rowRange(3, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.columnRange(0, 7)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.columnRange(-1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.rowRange(1, 3).rowRange(0, 3)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.columnRange(2, 4).columnRange(0, 3))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(tensor.rowRange(4, 4).rows()).isZero();
        assertThat(tensor.columnRange(6, 6).columns()).isZero();
        rig().tested().free(tensor);
    }

    @Test
    default void rejectsColumnViewsOfBlocks() {
        for (DType dtype : weightTypes()) {
            if (dtype.isQuantized()) {
                WeightData data = RandomWeights.matrix(dtype, 3, 512, new SplittableRandom(1));
                Tensor weight = rig().tested().weight(data);
                assertThatThrownBy(() -> weight.columnRange(0, 256))
                        .as(dtype.name())
                        .isInstanceOf(UnsupportedOperationException.class);
                rig().tested().free(weight);
            }
        }
    }

    @Test
    default void tellsTheShapeOfAWeight() {
        for (DType dtype : weightTypes()) {
            WeightData data = RandomWeights.matrix(dtype, 3, 512, new SplittableRandom(1));
            Tensor weight = rig().tested().weight(List.of(data, data));
            assertThat(List.of(weight.rows(), weight.columns(), weight.dtype())).isEqualTo(List.of(6, 512, dtype));
            rig().tested().free(weight);
        }
    }

    @Test
    default void rejectsPartsOfDifferentWidths() {
        WeightData narrow = RandomWeights.matrix(DType.F32, 3, 20, new SplittableRandom(1));
        WeightData wide = RandomWeights.matrix(DType.F32, 3, 21, new SplittableRandom(1));
        assertThatThrownBy(() -> rig().tested().weight(List.of(narrow, wide)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("20")
                .hasMessageContaining("21");
        assertThatThrownBy(() -> rig().tested().weight(List.of())).isInstanceOf(RuntimeException.class);
    }

    @Test
    default void rejectsArraysThatAreTooShortOrOfTheWrongKind() {
        Backend backend = rig().tested();
        KernelQueue queue = rig().queue();
        Tensor floats = backend.allocate(DType.F32, 2, 3);
        Tensor integers = backend.allocate(DType.I32, 2, 3);
        assertThatThrownBy(() -> queue.write(floats, new float[5])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.read(floats, new float[5])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.write(integers, new int[5])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.read(integers, new int[5])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.write(floats, new int[6])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.read(floats, new int[6])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.write(integers, new float[6])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> queue.read(integers, new float[6])).isInstanceOf(IllegalArgumentException.class);
        backend.free(floats);
        backend.free(integers);
    }

    /** 2^52 bytes. */
    @Test
    default void saysWhatAnImpossibleAllocationNeeds() {
        assertThatThrownBy(() -> rig().tested().allocate(DType.F32, 1 << 30, 1 << 20))
                .isInstanceOfSatisfying(
                        OutOfDeviceMemoryException.class,
                        e -> assertThat(e.needed()).isGreaterThanOrEqualTo(1L << 52));
    }
}
