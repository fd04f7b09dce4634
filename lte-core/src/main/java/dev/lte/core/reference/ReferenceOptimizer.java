package dev.lte.core.reference;

import dev.lte.backend.AdamWSpec;
import dev.lte.backend.Write;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The norm of gradients and AdamW (Loshchilov and Hutter, algorithm 2). */
final class ReferenceOptimizer {
    /** Keeps a gradient of 0 from being divided by. */
    private static final double CLIP_EPSILON = 1e-6;

    private ReferenceOptimizer() {}

    /** {@code sum += } all squares: sum (1, 1). */
    static void addSquares(ReferenceTensor sum, List<ReferenceTensor> tensors) {
        double total = 0;
        for (ReferenceTensor tensor : tensors) {
            for (float[] row : tensor.allRows()) {
                total += ReferenceMath.dot(row, row, row.length);
            }
        }
        sum.store(0, new double[] {total}, Write.ADD);
    }

    /** {@code factor = min(1, maxNorm / (sqrt(squares) + 1e-6))}, NaN if squares is not finite: both (1, 1). */
    static void clipFactor(ReferenceTensor factor, ReferenceTensor squares, float maxNorm) {
        float sum = squares.row(0)[0];
        double result = Float.isFinite(sum) ? Math.min(1, maxNorm / (Math.sqrt(sum) + CLIP_EPSILON)) : Double.NaN;
        factor.store(0, new double[] {result}, Write.SET);
    }

    /** One step for one parameter: all of one shape, factor (1, 1), settings (1, 3): rate and bias corrections. */
    static void adamW(
            ReferenceTensor master,
            @Nullable ReferenceTensor copy,
            ReferenceTensor gradient,
            ReferenceTensor mean,
            ReferenceTensor square,
            ReferenceTensor factor,
            ReferenceTensor settings,
            AdamWSpec spec) {
        double clip = factor.row(0)[0];
        if (Double.isNaN(clip)) {
            return;
        }
        float[] setting = settings.row(0);
        double rate = setting[0];
        for (int r = 0; r < master.rows(); r++) {
            float[] weights = master.row(r);
            float[] gradients = gradient.row(r);
            float[] means = mean.row(r);
            float[] squares = square.row(r);
            for (int i = 0; i < weights.length; i++) {
                double g = clip * gradients[i];
                double m = spec.beta1() * means[i] + (1.0 - spec.beta1()) * g;
                double v = spec.beta2() * squares[i] + (1.0 - spec.beta2()) * g * g;
                double step = m * setting[1] / (Math.sqrt(v * setting[2]) + spec.epsilon());
                weights[i] = (float) (weights[i] * (1 - rate * spec.weightDecay()) - rate * step);
                means[i] = (float) m;
                squares[i] = (float) v;
            }
            master.writeRow(r, weights, 0);
            mean.writeRow(r, means, 0);
            square.writeRow(r, squares, 0);
            if (copy != null) {
                copy.writeRow(r, weights, 0);
            }
        }
    }
}
