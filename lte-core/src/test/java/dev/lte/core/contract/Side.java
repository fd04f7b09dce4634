package dev.lte.core.contract;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.WeightData;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * One of the two backends that a scenario runs on, with the tensors that it made there. Both sides draw the same random
 * numbers. Inputs are surrounded by NaN and outputs by a sentinel if the layout is {@link Layout#VIEWS}.
 */
final class Side {
    /** How tensors are made. */
    enum Layout {
        /** Each has its own memory. */
        WHOLE,
        /** Each is a range of rows and columns, at an odd offset, of a larger one. */
        VIEWS
    }

    /** Values that a scenario has read itself, in rows of {@code columns}. */
    record Report(String name, float[] values, int columns, Bound bound) {}

    private static final float SENTINEL = -54321.125f;
    private static final int INTEGER_SENTINEL = -1_234_567;

    private final Backend backend;
    private final KernelQueue queue;
    private final Layout layout;
    private final RandomGenerator random;
    private final List<Output> outputs = new ArrayList<>();
    private final List<Report> reports = new ArrayList<>();
    private final List<Tensor> weights = new ArrayList<>();

    Side(Backend backend, KernelQueue queue, Layout layout, long seed) {
        this.backend = backend;
        this.queue = queue;
        this.layout = layout;
        random = new SplittableRandom(seed);
    }

    Backend backend() {
        return backend;
    }

    KernelQueue queue() {
        return queue;
    }

    RandomGenerator random() {
        return random;
    }

    List<Output> outputs() {
        return outputs;
    }

    List<Report> reports() {
        return reports;
    }

    int[] readIntegers(Tensor tensor) {
        return Output.integers(queue, tensor);
    }

    /** Values to compare besides the outputs. */
    void report(String name, float[] values, int columns, Bound bound) {
        reports.add(new Report(name, values, columns, bound));
    }

    /** An F32 tensor that must not change. */
    Tensor input(float[] values, int rows, int columns) {
        return add("input " + outputs.size(), DType.F32, rows, columns, values, Float.NaN, true)
                .tensor();
    }

    /** A tensor of a type that rounds its values, which must not change. */
    Tensor input(DType dtype, float[] values, int rows, int columns) {
        return add("input " + outputs.size(), dtype, rows, columns, values, Float.NaN, true)
                .tensor();
    }

    /** An I32 tensor that must not change. */
    Tensor input(int[] values, int rows, int columns) {
        return add("input " + outputs.size(), rows, columns, values, true).tensor();
    }

    /** An F32 tensor that will be overwritten. */
    Output output(String name, int rows, int columns) {
        float[] values = new float[rows * columns];
        Arrays.fill(values, SENTINEL);
        return changing(name, DType.F32, values, rows, columns);
    }

    /** A tensor that begins with these values and will be changed. */
    Output changing(String name, DType dtype, float[] values, int rows, int columns) {
        return add(name, dtype, rows, columns, values, SENTINEL, false);
    }

    /** An I32 tensor that will be overwritten. */
    Output integers(String name, int rows, int columns) {
        int[] values = new int[rows * columns];
        Arrays.fill(values, INTEGER_SENTINEL);
        return add(name, rows, columns, values, false);
    }

    Tensor weight(WeightData... parts) {
        Tensor weight = backend.weight(List.of(parts));
        weights.add(weight);
        return weight;
    }

    /** The operations of training, if the backend has them. */
    TrainingKernels training() {
        return Objects.requireNonNull(queue.training(), "the backend offers no training");
    }

    FfnWeights ffn(FfnData data) {
        return backend.ffn(data);
    }

    float[] read(Tensor tensor) {
        return Output.floats(queue, tensor);
    }

    private Output add(
            String name, DType dtype, int rows, int columns, float[] values, float surroundings, boolean input) {
        int margin = layout == Layout.VIEWS ? 1 : 0;
        int columnMargin = dtype.isQuantized() ? 0 : margin;
        Tensor whole = backend.allocate(dtype, rows + 3 * margin, columns + 8 * columnMargin);
        Tensor tensor = margin == 0 ? whole : whole.rowRange(1, 1 + rows);
        tensor = columnMargin == 0 ? tensor : tensor.columnRange(3, 3 + columns);
        float[] all = new float[whole.rows() * whole.columns()];
        Arrays.fill(all, surroundings);
        queue.write(whole, all);
        queue.write(tensor, values);
        return keep(new Output(name, whole, tensor, margin, 3 * columnMargin, input));
    }

    private Output add(String name, int rows, int columns, int[] values, boolean input) {
        int margin = layout == Layout.VIEWS ? 1 : 0;
        Tensor whole = backend.allocate(DType.I32, rows + 3 * margin, columns + 8 * margin);
        Tensor tensor = margin == 0 ? whole : whole.rowRange(1, 1 + rows).columnRange(3, 3 + columns);
        int[] all = new int[whole.rows() * whole.columns()];
        Arrays.fill(all, INTEGER_SENTINEL);
        queue.write(whole, all);
        queue.write(tensor, values);
        return keep(new Output(name, whole, tensor, margin, 3 * margin, input));
    }

    private Output keep(Output output) {
        output.remember(queue);
        outputs.add(output);
        return output;
    }

    void free() {
        outputs.forEach(output -> backend.free(output.whole()));
        weights.forEach(backend::free);
    }
}
