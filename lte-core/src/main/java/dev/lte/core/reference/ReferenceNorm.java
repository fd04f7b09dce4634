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
        norm(out, null, x, weight, bias, spec);
    }

    /** As above; statistics (T, 2 x G) gets mean and reciprocal deviation of each group. */
    static void norm(
            ReferenceTensor out,
            @Nullable ReferenceTensor statistics,
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
            double[] moments = new double[2 * (row.length / size)];
            for (int start = 0; start < row.length; start += size) {
                double mean = spec.kind() == NormSpec.Kind.LAYER ? mean(row, start, size) : 0;
                double squares = 0;
                for (int i = start; i < start + size; i++) {
                    squares += (row[i] - mean) * (row[i] - mean);
                }
                double deviation = Math.sqrt(squares / size + spec.epsilon());
                moments[2 * (start / size)] = mean;
                moments[2 * (start / size) + 1] = 1 / deviation;
                for (int i = 0; i < size; i++) {
                    double factor = (double) factors[i] + spec.weightOffset();
                    result[start + i] = (row[start + i] - mean) / deviation * factor + offsets[i];
                }
            }
            out.store(t, result, Write.SET);
            if (statistics != null) {
                statistics.store(t, moments, Write.SET);
            }
        }
    }

    /**
     * With {@code n = (x - mean) / deviation} and {@code u = dout * (weight + offset)}: {@code dx = (u - mean(u) - n * mean(u *
     * n)) / deviation}, RMS without mean(u); {@code dweight += sum of dout * n}, {@code dbias += sum of dout}.
     */
    static void backward(
            ReferenceTensor dx,
            ReferenceTensor dweight,
            @Nullable ReferenceTensor dbias,
            ReferenceTensor dout,
            ReferenceTensor x,
            ReferenceTensor statistics,
            ReferenceTensor weight,
            NormSpec spec,
            Write write) {
        float[] factors = weight.row(0);
        int size = factors.length;
        double[] dfactors = new double[size];
        double[] doffsets = new double[size];
        for (int t = 0; t < x.rows(); t++) {
            float[] row = x.row(t);
            float[] drow = dout.row(t);
            float[] moments = statistics.row(t);
            double[] result = new double[row.length];
            for (int start = 0; start < row.length; start += size) {
                double mean = moments[2 * (start / size)];
                double scale = moments[2 * (start / size) + 1];
                double sum = 0;
                double product = 0;
                for (int i = 0; i < size; i++) {
                    double normal = (row[start + i] - mean) * scale;
                    double u = drow[start + i] * ((double) factors[i] + spec.weightOffset());
                    sum += spec.kind() == NormSpec.Kind.LAYER ? u : 0;
                    product += u * normal;
                    dfactors[i] += drow[start + i] * normal;
                    doffsets[i] += drow[start + i];
                }
                for (int i = 0; i < size; i++) {
                    double normal = (row[start + i] - mean) * scale;
                    double u = drow[start + i] * ((double) factors[i] + spec.weightOffset());
                    result[start + i] = scale * (u - sum / size - normal * product / size);
                }
            }
            dx.store(t, result, write);
        }
        dweight.store(0, dfactors, Write.ADD);
        if (dbias != null) {
            dbias.store(0, doffsets, Write.ADD);
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
