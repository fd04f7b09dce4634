package dev.lte.core.reference;

import dev.lte.backend.NormSpec;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/**
 * For each group of C columns: {@code out = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * (weight + offset) + bias}, where
 * RMS takes 0 for the mean. out and x (T, G x C), weight and bias (1, C).
 */
final class ReferenceNorm {
    private ReferenceNorm() {}

    static void norm(
            ReferenceTensor out,
            ReferenceTensor x,
            ReferenceTensor weight,
            @Nullable ReferenceTensor bias,
            NormSpec spec) {
        float[] factors = weight.row(0);
        float[] offsets = bias == null ? new float[factors.length] : bias.row(0);
        int size = factors.length;
        for (int t = 0; t < x.rows(); t++) {
            float[] row = x.row(t);
            double[] result = new double[row.length];
            for (int start = 0; start < row.length; start += size) {
                double mean = spec.kind() == NormSpec.Kind.LAYER ? mean(row, start, size) : 0;
                double squares = 0;
                for (int i = start; i < start + size; i++) {
                    squares += (row[i] - mean) * (row[i] - mean);
                }
                double deviation = Math.sqrt(squares / size + spec.epsilon());
                for (int i = 0; i < size; i++) {
                    double factor = (double) factors[i] + spec.weightOffset();
                    result[start + i] = (row[start + i] - mean) / deviation * factor + offsets[i];
                }
            }
            out.store(t, result, Write.SET);
        }
    }

    private static double mean(float[] row, int start, int size) {
        double sum = 0;
        for (int i = start; i < start + size; i++) {
            sum += row[i];
        }
        return sum / size;
    }
}
