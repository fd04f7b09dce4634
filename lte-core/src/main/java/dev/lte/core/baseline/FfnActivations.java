package dev.lte.core.baseline;

import dev.lte.core.sparse.Grouping;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What one layer's FFN computed for the rows of a pass, before its down projection. Arrays are reused by the next pass.
 *
 * @param layer index of the block
 * @param rows T
 * @param input (T, D), what gate, up and a router see
 * @param gate (T, F), activated; null for FFNs without a gate
 * @param hidden (T, F), what the down projection multiplies; may be changed
 * @param model D
 * @param neurons F
 */
record FfnActivations(
        int layer, int rows, float[] input, float @Nullable [] gate, float[] hidden, int model, int neurons) {
    /** Runs work on all rows, several at a time. */
    void forEachRow(IntConsumer work) {
        IntStream.range(0, rows).parallel().forEach(work);
    }

    /** (D), a copy. */
    float[] inputOf(int row) {
        return slice(input, row, model);
    }

    /** (F), a copy. */
    float[] hiddenOf(int row) {
        return slice(hidden, row, neurons);
    }

    private static float[] slice(float[] values, int row, int columns) {
        float[] result = new float[columns];
        System.arraycopy(values, row * columns, result, 0, columns);
        return result;
    }

    /** Leaves out the neurons of a row that are not kept. */
    void keep(int row, boolean[] kept) {
        for (int f = 0; f < neurons; f++) {
            if (!kept[f]) {
                hidden[row * neurons + f] = 0;
            }
        }
    }

    /** Multiplies the neurons of each expert by the expert's factor. */
    void scale(int row, float[] factors, Grouping grouping) {
        for (int f = 0; f < neurons; f++) {
            hidden[row * neurons + f] *= factors[grouping.expertOf(f)];
        }
    }
}
