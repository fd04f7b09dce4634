package dev.lte.core.reference;

import dev.lte.backend.FfnSpec;
import dev.lte.backend.Write;
import java.util.Arrays;
import java.util.BitSet;

/**
 * {@code y[t] = sum over active experts g of down_g h_g + downBias} with {@code h = act(gate x) * (up x + upBias)}, or {@code
 * h = act(up x + upBias)} without a gate: x and y (T, D), gate and up (F, D), down (D, F), expert g being neurons g x M to
 * (g + 1) x M. LTE, equation 2.
 */
final class ReferenceFfn {
    private ReferenceFfn() {}

    /** All experts run. */
    static void dense(ReferenceTensor y, ReferenceTensor x, ReferenceFfnWeights weights, Write write) {
        BitSet all = new BitSet();
        all.set(0, weights.spec().experts());
        BitSet[] active = new BitSet[x.rows()];
        Arrays.fill(active, all);
        run(y, x, weights, active, write);
    }

    /** The experts of each row's list run: experts (T, N), counts (T, 1). */
    static void sparse(
            ReferenceTensor y,
            ReferenceTensor x,
            ReferenceFfnWeights weights,
            ReferenceTensor experts,
            ReferenceTensor counts,
            Write write) {
        int n = weights.spec().experts();
        BitSet[] active = new BitSet[x.rows()];
        for (int t = 0; t < active.length; t++) {
            active[t] = new BitSet(n);
            int count = Math.clamp(counts.integer(t, 0), 0, n);
            for (int i = 0; i < count; i++) {
                int expert = experts.integer(t, i);
                if (expert >= 0 && expert < n) {
                    active[t].set(expert);
                }
            }
        }
        run(y, x, weights, active, write);
    }

    private static void run(
            ReferenceTensor y, ReferenceTensor x, ReferenceFfnWeights weights, BitSet[] active, Write write) {
        FfnSpec spec = weights.spec();
        double[][] hidden = hidden(x.allRows(), weights, active);
        double[][] result = new double[hidden.length][spec.model()];
        float[] offsets = weights.downBias() == null
                ? new float[spec.model()]
                : weights.downBias().row(0);
        float[] row = new float[spec.neurons()];
        for (int d = 0; d < spec.model() && hidden.length > 0; d++) {
            weights.down().readRow(d, row);
            for (int t = 0; t < hidden.length; t++) {
                double sum = offsets[d];
                for (int g = active[t].nextSetBit(0); g >= 0; g = active[t].nextSetBit(g + 1)) {
                    for (int f = g * spec.expertSize(); f < (g + 1) * spec.expertSize(); f++) {
                        sum += row[f] * hidden[t][f];
                    }
                }
                result[t][d] = sum;
            }
        }
        for (int t = 0; t < hidden.length; t++) {
            y.store(t, result[t], write);
        }
    }

    /** h (T, F), with zeros where experts are off. */
    private static double[][] hidden(float[][] x, ReferenceFfnWeights weights, BitSet[] active) {
        FfnSpec spec = weights.spec();
        ReferenceTensor gate = weights.gate();
        float[] offsets = weights.upBias() == null
                ? new float[spec.neurons()]
                : weights.upBias().row(0);
        double[][] hidden = new double[x.length][spec.neurons()];
        float[] gateRow = new float[spec.model()];
        float[] upRow = new float[spec.model()];
        for (int f = 0; f < spec.neurons(); f++) {
            int expert = f / spec.expertSize();
            if (Arrays.stream(active).noneMatch(set -> set.get(expert))) {
                continue;
            }
            weights.up().readRow(f, upRow);
            if (gate != null) {
                gate.readRow(f, gateRow);
            }
            for (int t = 0; t < x.length; t++) {
                if (active[t].get(expert)) {
                    double up = ReferenceMath.dot(upRow, x[t], upRow.length) + offsets[f];
                    hidden[t][f] = gate == null
                            ? ReferenceMath.activate(spec.activation(), up)
                            : ReferenceMath.activate(
                                            spec.activation(), ReferenceMath.dot(gateRow, x[t], gateRow.length))
                                    * up;
                }
            }
        }
        return hidden;
    }

    /** Lists the experts g with {@code scores[t][g] > thresholds[t]}: experts and scores (T, N), counts and thresholds (T, 1). */
    static void select(
            ReferenceTensor experts, ReferenceTensor counts, ReferenceTensor scores, ReferenceTensor thresholds) {
        for (int t = 0; t < scores.rows(); t++) {
            float[] row = scores.row(t);
            float threshold = thresholds.row(t)[0];
            int count = 0;
            for (int g = 0; g < row.length; g++) {
                if (row[g] > threshold) {
                    experts.setInteger(t, count++, g);
                }
            }
            counts.setInteger(t, 0, count);
        }
    }
}
