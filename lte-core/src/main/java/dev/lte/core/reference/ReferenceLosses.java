package dev.lte.core.reference;

import dev.lte.backend.RoutingLossSpec;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/** Losses over rows that count by their weights (T, 1), with the gradients of what they look at. */
final class ReferenceLosses {
    private ReferenceLosses() {}

    /** {@code loss += w * (log sum exp(logits) - logits[target])}, {@code dlogits = w * (softmax - onehot)}: logits (T, V). */
    static void crossEntropy(
            ReferenceTensor loss,
            @Nullable ReferenceTensor dlogits,
            ReferenceTensor logits,
            ReferenceTensor targets,
            ReferenceTensor rowWeights) {
        double total = 0;
        for (int t = 0; t < logits.rows(); t++) {
            int target = targets.integer(t, 0);
            double weight = rowWeights.row(t)[0];
            double[] gradient = new double[logits.columns()];
            if (weight != 0 && target >= 0 && target < logits.columns()) {
                double[] probability = logSoftmax(logits.row(t), 1);
                total -= weight * probability[target];
                for (int v = 0; v < gradient.length; v++) {
                    gradient[v] = weight * (Math.exp(probability[v]) - (v == target ? 1 : 0));
                }
            }
            if (dlogits != null) {
                dlogits.store(t, gradient, Write.SET);
            }
        }
        loss.store(0, new double[] {total}, Write.ADD);
    }

    /** {@code loss += w * temperature^2 * KL(p || s)}, {@code dlogits = w * temperature * (s - p)}: logits, teacher (T, V). */
    static void distillation(
            ReferenceTensor loss,
            ReferenceTensor dlogits,
            ReferenceTensor logits,
            ReferenceTensor teacher,
            ReferenceTensor rowWeights,
            float temperature,
            Write write) {
        double total = 0;
        for (int t = 0; t < logits.rows(); t++) {
            double weight = rowWeights.row(t)[0];
            double[] gradient = new double[logits.columns()];
            if (weight != 0) {
                double[] student = logSoftmax(logits.row(t), temperature);
                double[] wanted = logSoftmax(teacher.row(t), temperature);
                for (int v = 0; v < gradient.length; v++) {
                    double p = Math.exp(wanted[v]);
                    total += p == 0 ? 0 : weight * temperature * temperature * p * (wanted[v] - student[v]);
                    gradient[v] = weight * temperature * (Math.exp(student[v]) - p);
                }
            }
            dlogits.store(t, gradient, write);
        }
        loss.store(0, new double[] {total}, Write.ADD);
    }

    /** Efficiency, separability and share of active experts (1, 3), added up over rows: scores and dscores (T, N). */
    static void routing(
            ReferenceTensor losses,
            @Nullable ReferenceTensor dscores,
            ReferenceTensor scores,
            ReferenceTensor rowWeights,
            @Nullable ReferenceTensor factors,
            RoutingLossSpec spec) {
        boolean squared = spec.efficiency() == RoutingLossSpec.Efficiency.SQUARED;
        float[] factor = factors == null ? new float[2] : factors.row(0);
        double[] totals = new double[3];
        for (int t = 0; t < scores.rows(); t++) {
            float[] row = scores.row(t);
            double share = (double) rowWeights.row(t)[0] / row.length;
            if (share == 0) {
                continue;
            }
            double[] gradient = new double[row.length];
            for (int g = 0; g < row.length; g++) {
                double score = row[g];
                double distance = score - spec.threshold();
                double separation = 1 / (distance * distance + spec.guard());
                totals[0] += share * (squared ? score * score : score);
                totals[1] += share * separation;
                totals[2] += row[g] > spec.threshold() ? share : 0;
                gradient[g] = share
                        * (factor[0] * (squared ? 2 * score : 1) - factor[1] * 2 * distance * separation * separation);
            }
            if (dscores != null) {
                dscores.store(t, gradient, Write.ADD);
            }
        }
        losses.store(0, totals, Write.ADD);
    }

    private static double[] logSoftmax(float[] logits, float temperature) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, (double) logit / temperature);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp((double) logit / temperature - max);
        }
        double[] result = new double[logits.length];
        for (int v = 0; v < logits.length; v++) {
            result[v] = (double) logits[v] / temperature - max - Math.log(sum);
        }
        return result;
    }
}
