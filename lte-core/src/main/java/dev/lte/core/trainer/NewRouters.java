package dev.lte.core.trainer;

import dev.lte.core.arch.ModelConfig;
import dev.lte.core.train.Matrix;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Routers before they have learnt anything. */
final class NewRouters {
    /** Small enough that scores begin near one half and large enough that none is at tau. */
    private static final double DEVIATION = 0.02;

    private NewRouters() {}

    /**
     * From N(0, 0.02²).
     *
     * @param config with routing
     * @return (N, D) of each layer
     */
    static List<Matrix> of(ModelConfig config, long seed) {
        return IntStream.range(0, config.layers().size())
                .mapToObj(layer -> random(config, seed * 0x9E3779B97F4A7C15L + layer))
                .toList();
    }

    private static Matrix random(ModelConfig config, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[config.experts() * config.model()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (DEVIATION * random.nextGaussian());
        }
        return new Matrix(config.experts(), config.model(), values);
    }
}
