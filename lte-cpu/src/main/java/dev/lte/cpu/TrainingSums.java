package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Sums over runs of floats: per lane in F32, lanes and the rest in F64. */
final class TrainingSums {
    private TrainingSums() {}

    /** The sum of {@code a[i] * b[i]}. */
    static double dot(float[] a, int aStart, float[] b, int bStart, int count) {
        FloatVector sum = FloatVector.zero(F);
        int i = 0;
        for (; i <= count - L; i += L) {
            sum = FloatVector.fromArray(F, a, aStart + i).fma(FloatVector.fromArray(F, b, bStart + i), sum);
        }
        double total = Lanes.sum(sum);
        for (; i < count; i++) {
            total += (double) a[aStart + i] * b[bStart + i];
        }
        return total;
    }

    /** {@code x[i] = exp(x[i] - shift)}, which must not be far above 0; returns the sum. */
    static double exponentials(float[] x, int start, int count, float shift) {
        FloatVector sum = FloatVector.zero(F);
        int i = 0;
        for (; i <= count - L; i += L) {
            FloatVector e =
                    VectorMath.exp(FloatVector.fromArray(F, x, start + i).sub(shift));
            e.intoArray(x, start + i);
            sum = sum.add(e);
        }
        double total = Lanes.sum(sum);
        for (; i < count; i++) {
            x[start + i] = (float) Math.exp(x[start + i] - shift);
            total += x[start + i];
        }
        return total;
    }

    /** The largest element; negative infinity of none. */
    static float max(float[] x, int start, int count) {
        FloatVector max = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        int i = 0;
        for (; i <= count - L; i += L) {
            max = max.max(FloatVector.fromArray(F, x, start + i));
        }
        float result = max.reduceLanes(VectorOperators.MAX);
        for (; i < count; i++) {
            result = Math.max(result, x[start + i]);
        }
        return result;
    }
}
