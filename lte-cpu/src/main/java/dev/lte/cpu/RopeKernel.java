package dev.lte.cpu;

import dev.lte.backend.RopeSpec;

/**
 * Rotates pairs of columns of every head by the angle of the row's position:
 * {@code (a, b) = (a cos - b sin, a sin + b cos)}; x (T, heads x E), table (positions, rotated) as cosine, sine, ....
 */
final class RopeKernel {
    private float[] angles = {};

    /** Padding rows stay as they are; positions beyond the table take its last row. */
    void run(CpuTensor x, CpuTensor positions, CpuTensor table, RopeSpec spec) {
        float[] values = x.floats();
        int[] position = positions.ints();
        int half = spec.rotated() / 2;
        boolean halves = spec.pairing() == RopeSpec.Pairing.HALVES;
        if (angles.length < 2 * half) {
            angles = new float[2 * half];
        }
        for (int t = 0; t < x.rows(); t++) {
            int p = position[positions.rowStart(t)];
            if (p < 0) {
                continue;
            }
            table.readRow(Math.min(p, table.rows() - 1), 0, 2 * half, angles, 0);
            for (int h = x.rowStart(t); h < x.rowStart(t) + x.columns(); h += spec.headSize()) {
                if (halves) {
                    rotate(values, h, h + half, 1, half);
                } else {
                    rotate(values, h, h + 1, 2, half);
                }
            }
        }
    }

    private void rotate(float[] x, int first, int second, int step, int pairs) {
        float[] angle = angles;
        for (int i = 0; i < pairs; i++) {
            float a = x[first + i * step];
            float b = x[second + i * step];
            float cos = angle[2 * i];
            float sin = angle[2 * i + 1];
            x[first + i * step] = a * cos - b * sin;
            x[second + i * step] = a * sin + b * cos;
        }
    }
}
