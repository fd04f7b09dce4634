package dev.lte.core.reference;

import dev.lte.backend.RopeSpec;
import dev.lte.backend.Write;

/**
 * Rotates pair i of every head by the angle of row t's position: {@code (a, b) -> (a cos - b sin, b cos + a sin)}. x (T, heads
 * x E), positions (T, 1), table (positions, rotated) with the cosine in column 2i and the sine in column 2i + 1.
 */
final class ReferenceRope {
    private ReferenceRope() {}

    static void rope(ReferenceTensor x, ReferenceTensor positions, ReferenceTensor table, RopeSpec spec) {
        rotate(x, positions, table, spec, 1);
    }

    /** By the opposite angles. */
    static void backward(ReferenceTensor dx, ReferenceTensor positions, ReferenceTensor table, RopeSpec spec) {
        rotate(dx, positions, table, spec, -1);
    }

    private static void rotate(
            ReferenceTensor x, ReferenceTensor positions, ReferenceTensor table, RopeSpec spec, int direction) {
        boolean halves = spec.pairing() == RopeSpec.Pairing.HALVES;
        int pairs = spec.rotated() / 2;
        for (int t = 0; t < x.rows(); t++) {
            int position = positions.integer(t, 0);
            if (position < 0) {
                continue; // padding
            }
            float[] angles = table.row(Math.min(position, table.rows() - 1));
            float[] row = x.row(t);
            double[] result = new double[row.length];
            for (int i = 0; i < row.length; i++) {
                result[i] = row[i];
            }
            for (int head = 0; head < row.length; head += spec.headSize()) {
                for (int i = 0; i < pairs; i++) {
                    int first = head + (halves ? i : 2 * i);
                    int second = head + (halves ? i + pairs : 2 * i + 1);
                    double cos = angles[2 * i];
                    double sin = direction * angles[2 * i + 1];
                    result[first] = row[first] * cos - row[second] * sin;
                    result[second] = row[second] * cos + row[first] * sin;
                }
            }
            x.store(t, result, Write.SET);
        }
    }
}
