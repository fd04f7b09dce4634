package dev.lte.core.layer;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.Tensor;
import dev.lte.core.arch.ModelConfig;

/**
 * Cosines and sines of a rotation for every position of the context, (positions, rotated): column 2i is {@code magnitude
 * cos(position x frequency[i])}, column 2i + 1 the sine (RoFormer, equation 34).
 *
 * @param table on the backend
 * @param spec for {@link dev.lte.backend.Kernels#rope}
 */
public record RopeTable(Tensor table, RopeSpec spec) {
    public static RopeTable of(Backend backend, KernelQueue queue, ModelConfig.Rope rope, int headSize, int positions) {
        int pairs = rope.inverseFrequencies().size();
        float[] angles = new float[Math.multiplyExact(positions, 2 * pairs)];
        for (int position = 0; position < positions; position++) {
            for (int i = 0; i < pairs; i++) {
                double angle = position * rope.inverseFrequencies().get(i);
                int at = (position * pairs + i) * 2;
                angles[at] = (float) (rope.magnitude() * Math.cos(angle));
                angles[at + 1] = (float) (rope.magnitude() * Math.sin(angle));
            }
        }
        Tensor table = backend.allocate(DType.F32, positions, 2 * pairs);
        queue.write(table, angles);
        return new RopeTable(table, new RopeSpec(headSize, 2 * pairs, rope.pairing()));
    }
}
