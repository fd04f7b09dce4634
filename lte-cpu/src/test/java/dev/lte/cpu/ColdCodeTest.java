package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.Activation;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Plain loops, which run until vectors are compiled, against those vectors, bit by bit: a text must not depend on when that is. */
class ColdCodeTest {
    private static final long SEED = 41;
    private static final int COUNT = 29;

    private final Random random = new Random(SEED);
    private final ColdAttention cold = new ColdAttention();

    @ParameterizedTest
    @ValueSource(ints = {3, 8, 16, 24, 64, 100, 128})
    void attention(int size) {
        Assumptions.assumeTrue(AttentionMath.TOGETHER, "vectors of this processor hold no group of scores");
        float[] q = RandomWeights.floats(size, random);
        float[] keys = RandomWeights.floats(32 * size, random);
        float[] vectors = new float[32];
        float[] plain = new float[32];

        AttentionMath.scores(q, 0, size, 0.3f, keys, 0, size, COUNT, vectors, 0);
        cold.scores(q, 0, size, 0.3f, keys, 0, size, COUNT, plain, 0);
        for (int j = 0; j < COUNT; j++) {
            assertThat(plain[j]).as("score %d, seed %d", j, SEED).isEqualTo(vectors[j]);
        }
        float largest = AttentionMath.largest(vectors, 0, COUNT, -1);
        assertThat(ColdAttention.largest(plain, 0, COUNT, -1)).isEqualTo(largest);

        assertThat(cold.exponentials(plain, 0, COUNT, largest))
                .isEqualTo(VectorMath.exponentials(vectors, 0, COUNT, largest));
        for (int j = 0; j < COUNT; j++) {
            assertThat(plain[j]).as("weight %d, seed %d", j, SEED).isEqualTo(vectors[j]);
        }
        float[] expected = RandomWeights.floats(size, random);
        float[] result = expected.clone();
        AttentionMath.accumulate(expected, 0, size, 0.7f, vectors, 0, keys, 0, size, COUNT);
        ColdAttention.accumulate(result, 0, size, 0.7f, plain, 0, keys, 0, size, COUNT);
        assertThat(result).as("seed %d", SEED).isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void decodedTiles(DType dtype) {
        try (CpuBackend backend = new CpuBackend(new BackendOptions(1, 0))) {
            if (!backend.supportsWeight(dtype)) {
                return;
            }
            TiledWeight weight = (TiledWeight) backend.weight(List.of(RandomWeights.weight(dtype, 32, 512, random)));
            TiledWeight.Part part = weight.parts().getFirst();
            part.packed().beforeUse();
            float[] vectors = new float[256 * Gemm.WIDTH];
            float[] plain = new float[256 * Gemm.WIDTH];
            for (int tile = 0; tile < 2; tile++) {
                int column = tile * TileFormat.ROWS;
                part.format().decode(part.packed().memory(), 0, 2, tile, 512, 256, 256, vectors, Gemm.WIDTH, column);
                part.format()
                        .decodePlainly(part.packed().memory(), 0, 2, tile, 512, 256, 256, plain, Gemm.WIDTH, column);
            }
            assertThat(plain).as("seed %d", SEED).isEqualTo(vectors);
            if (dtype.isQuantized()) {
                part.format().decodeScales(part.packed().memory(), 0, 2, 1, 512, vectors, Gemm.WIDTH, 16);
                part.format().decodeScalesPlainly(part.packed().memory(), 0, 2, 1, 512, plain, Gemm.WIDTH, 16);
                assertThat(plain).as("scales, seed %d", SEED).isEqualTo(vectors);
            }
        }
    }

    /** All their formats but F32, column group by column group. */
    @ParameterizedTest
    @EnumSource(DType.class)
    void decodedTilesOfDownProjections(DType dtype) {
        try (CpuBackend backend = new CpuBackend(new BackendOptions(1, 0))) {
            int block = Math.max(32, dtype.blockSize());
            if (!backend.supportsWeight(dtype)) {
                return;
            }
            FfnSpec spec = new FfnSpec(256, block, block, Activation.SILU, false);
            CpuFfn ffn = (CpuFfn) backend.ffn(new FfnData(
                    spec,
                    null,
                    RandomWeights.weight(dtype, block, 256, random),
                    RandomWeights.weight(dtype, 256, block, random),
                    null,
                    null));
            ffn.packed().beforeUse();
            MemorySegment memory = ffn.packed().memory();
            float[] vectors = new float[block * Gemm.WIDTH];
            float[] plain = new float[block * Gemm.WIDTH];
            for (int tile = 4; tile < 6; tile++) {
                int column = (tile - 4) * TileFormat.ROWS;
                ffn.down().decode(memory, ffn.downStart(), 16, tile, block, 0, block, vectors, Gemm.WIDTH, column);
                ffn.down().decodePlainly(memory, ffn.downStart(), 16, tile, block, 0, block, plain, Gemm.WIDTH, column);
            }
            assertThat(plain).as("seed %d", SEED).isEqualTo(vectors);
            if (dtype.isQuantized()) {
                ffn.down().decodeScales(memory, ffn.downStart(), 16, 3, block, vectors, Gemm.WIDTH, 16);
                ffn.down().decodeScalesPlainly(memory, ffn.downStart(), 16, 3, block, plain, Gemm.WIDTH, 16);
                assertThat(plain).as("scales, seed %d", SEED).isEqualTo(vectors);
            }
        }
    }

    @Test
    void halves() {
        try (CpuBackend backend = new CpuBackend(new BackendOptions(1, 0))) {
            CpuTensor cache = (CpuTensor) backend.allocate(DType.F16, 1, 77);
            cache.writeRow(0, 0, 77, RandomWeights.floats(77, random), 0);
            float[] vectors = new float[70];
            float[] plain = new float[70];
            cache.readRow(0, 5, 70, vectors, 0);
            cache.readRowPlainly(0, 5, 70, plain, 0);
            assertThat(plain).as("seed %d", SEED).isEqualTo(vectors);
        }
    }
}
