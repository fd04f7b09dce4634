package dev.lte.core.contract;

import static dev.lte.core.contract.PagedCache.chunk;
import static dev.lte.core.contract.PagedCache.padding;
import static dev.lte.core.contract.PagedCache.together;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Attention with and without a cache. */
interface AttentionContract extends Contract {
    @Test
    default void supportsExactlyTheCacheTypesThatItIsSaidTo() {
        for (DType dtype : DType.values()) {
            assertThat(rig().tested().supportsCache(dtype))
                    .as(dtype.name())
                    .isEqualTo(cacheTypes().contains(dtype));
        }
        assertThat(cacheTypes()).contains(DType.F32);
    }

    @Test
    default void attendsWithEveryNumberOfHeads() {
        int[][] heads = {
            {1, 1, 64},
            {4, 4, 32},
            {8, 2, 64},
            {6, 3, 13},
            {32, 8, 128},
            {9, 3, 64},
            {5, 1, 80},
            {8, 4, 8},
            {4, 2, 80},
            {2, 1, 256},
            {3, 1, 1}
        };
        for (DType dtype : cacheTypes()) {
            for (int[] h : heads) {
                if (h[1] * h[2] % dtype.blockSize() != 0) {
                    continue; // see cachesOfBlocksHaveWholeBlocks
                }
                stages(spec(h[0], h[1], h[2], true, 0, 0), dtype, 16);
            }
        }
    }

    @Test
    default void cachesOfBlocksHaveWholeBlocks() {
        for (DType dtype : cacheTypes()) {
            if (dtype.isQuantized()) {
                int size = dtype.blockSize();
                assertThatThrownBy(() -> rig().tested().allocate(dtype, 4, size + 1))
                        .as(dtype.name())
                        .isInstanceOf(IllegalArgumentException.class);
                Tensor cache = rig().tested().allocate(dtype, 4, 2 * size);
                assertThatThrownBy(() -> cache.columnRange(0, size))
                        .as(dtype.name())
                        .isInstanceOf(UnsupportedOperationException.class);
                rig().tested().free(cache);
            }
        }
    }

    /** Zeros at first; the same rounding everywhere, of any float; and what was read can be written again as it was. */
    @Test
    default void cachesRoundAlike() {
        for (DType dtype : cacheTypes()) {
            rig().compare("write and read " + dtype, 137, side -> {
                Tensor cache = side.backend().allocate(dtype, 40, 64);
                side.report("zeros", side.read(cache), 64, Bound.exact());
                float[] values = Values.outliers(side.random(), 40 * 64);
                float[] special = TensorContract.ROUNDED;
                for (int i = 0; i < special.length; i++) {
                    values[64 * i + 7 + i] = special[i];
                }
                for (int i = 0; i < 64; i++) {
                    // Ties of a scale of 1, and a scale that is subnormal.
                    values[39 * 64 + i] = i == 0 ? 127 : i < 32 ? i - 15.5f : i == 32 ? 3e-6f : (i - 48) * 1e-7f;
                }
                side.queue().write(cache, values);
                float[] rounded = side.read(cache);
                side.report("rounded", rounded.clone(), 64, Bound.exact());
                side.queue().write(cache, rounded);
                Output.compare(dtype.name(), "written again", rounded, side.read(cache), 64, Bound.exact());
                side.backend().free(cache);
            });
        }
    }

    @Test
    default void attendsOverPagesOfEverySize() {
        for (DType dtype : cacheTypes()) {
            for (int pageSize : new int[] {1, 3, 4, 32, 33, 128}) {
                stages(spec(4, 2, 32, true, 0, 0), dtype, pageSize);
            }
        }
    }

    @Test
    default void seesAtMostAWindow() {
        for (DType dtype : cacheTypes()) {
            for (int window : new int[] {1, 2, 15, 16, 17, 33, 40, 1000}) {
                stages(spec(4, 2, 32, true, window, 0), dtype, 16);
            }
        }
    }

    @Test
    default void capsScores() {
        for (DType dtype : cacheTypes()) {
            for (float softcap : new float[] {0.5f, 30, 50}) {
                stages(spec(4, 2, 32, true, 0, softcap), dtype, 16);
                stages(spec(4, 2, 32, true, 20, softcap), dtype, 16);
            }
        }
    }

    @Test
    default void seesLaterRowsOfAPassWithoutCausality() {
        for (DType dtype : cacheTypes()) {
            stages(spec(4, 2, 32, false, 0, 0), dtype, 16);
            stages(spec(4, 2, 32, false, 9, 0), dtype, 16);
        }
    }

    @Test
    default void attendsOverALongContext() {
        for (DType dtype : cacheTypes()) {
            AttentionSpec spec = spec(2, 1, 32, true, 0, 0);
            rig().compare("1500 positions, " + dtype, 103, Side.Layout.WHOLE, side -> {
                PagedCache cache = new PagedCache(side, spec, dtype, 64, 2, 1600);
                for (int from = 0; from < 1500; from += 500) {
                    cache.pass(chunk(1, from, from + 500), attentionError(dtype));
                }
                cache.pass(together(chunk(0, 0, 1), chunk(1, 1500, 1501)), attentionError(dtype));
            });
        }
    }

    /** Scores in the hundreds: a softmax that does not subtract the maximum overflows. */
    @Test
    default void survivesLargeScores() {
        for (DType dtype : cacheTypes()) {
            AttentionSpec spec = new AttentionSpec(2, 2, 32, 30, true, 0, 0);
            rig().compare(
                            "scale 30, " + dtype,
                            107,
                            side -> new PagedCache(side, spec, dtype, 8, 1, 64)
                                    .pass(chunk(0, 0, 40), attentionError(dtype)));
        }
    }

    /** What a prompt yields must not depend on how it is cut into passes. */
    @Test
    default void chunksOfAPromptYieldWhatTheWholeYields() {
        for (DType dtype : cacheTypes()) {
            for (int size : new int[] {1, 7, 16, 50}) {
                AttentionSpec spec = spec(4, 2, 32, true, 0, 0);
                rig().compare("90 positions in chunks of " + size + ", " + dtype, 109, side -> {
                    PagedCache cache = new PagedCache(side, spec, dtype, 16, 1, 96);
                    for (int from = 0; from < 90; from += size) {
                        cache.pass(chunk(0, from, Math.min(90, from + size)), attentionError(dtype));
                    }
                });
            }
        }
    }

    @Test
    default void paddingRowsAreHarmless() {
        for (DType dtype : cacheTypes()) {
            AttentionSpec spec = spec(4, 2, 32, true, 0, 0);
            rig().compare("padding, " + dtype, 113, side -> {
                PagedCache cache = new PagedCache(side, spec, dtype, 4, 3, 24);
                cache.pass(padding(3), attentionError(dtype));
                cache.pass(together(chunk(0, 0, 5), padding(2), chunk(2, 0, 17), padding(9)), attentionError(dtype));
                cache.pass(together(padding(1), chunk(0, 5, 6), padding(1), chunk(2, 17, 18)), attentionError(dtype));
            });
        }
    }

    @Test
    default void attendsWithinSequencesWithoutACache() {
        for (int[] h : new int[][] {{1, 1, 64}, {4, 4, 32}, {8, 2, 64}, {6, 3, 13}, {4, 1, 80}}) {
            for (boolean causal : new boolean[] {true, false}) {
                for (int window : new int[] {0, 1, 7}) {
                    for (float softcap : new float[] {0, 20}) {
                        AttentionSpec spec = spec(h[0], h[1], h[2], causal, window, softcap);
                        for (int rows : ROWS) {
                            self(spec, 0, rows);
                        }
                        self(spec, 0, 0, 9, 10, 10, 47);
                    }
                }
            }
        }
    }

    @Test
    default void leavesRowsOutsideAllSequencesOutOfTheOthers() {
        self(spec(4, 2, 32, true, 0, 0), 3, 9, 20);
        self(spec(4, 2, 32, false, 0, 0), 3, 9, 20);
    }

    /** Prompts of several lengths together, then single tokens of all, then a prompt beside single tokens. */
    private void stages(AttentionSpec spec, DType dtype, int pageSize) {
        rig().compare(spec + ", " + dtype + ", pages of " + pageSize, 127, side -> {
            PagedCache cache = new PagedCache(side, spec, dtype, pageSize, 4, 70);
            double error = attentionError(dtype);
            cache.pass(together(chunk(2, 0, 17), chunk(0, 0, 1), chunk(3, 0, 33)), error);
            for (int step = 0; step < 3; step++) {
                cache.pass(
                        together(
                                chunk(3, 33 + step, 34 + step),
                                chunk(0, 1 + step, 2 + step),
                                chunk(2, 17 + step, 18 + step)),
                        error);
            }
            cache.pass(together(chunk(2, 20, 21), chunk(1, 0, 64), chunk(3, 36, 37)), error);
            cache.pass(chunk(1, 64, 65), error);
        });
    }

    private void self(AttentionSpec spec, int... starts) {
        int rows = starts[starts.length - 1] + starts[0];
        rig().compare("self " + spec + ", starts " + List.of(boxed(starts)), 131, side -> {
            int columns = spec.heads() * spec.headSize();
            int keyColumns = spec.keyValueHeads() * spec.headSize();
            float[] q = Values.normal(side.random(), rows * columns);
            float[] k = Values.normal(side.random(), rows * keyColumns);
            float[] v = Values.normal(side.random(), rows * keyColumns);
            for (int i = 0; i < rows; i++) {
                if (i < starts[0] || i >= starts[starts.length - 1]) {
                    java.util.Arrays.fill(k, i * keyColumns, (i + 1) * keyColumns, Float.NaN);
                    java.util.Arrays.fill(v, i * keyColumns, (i + 1) * keyColumns, Float.NaN);
                }
            }
            Bound bound = Bound.lazily(() -> new AttentionBound(q, k, v, spec, attentionError(DType.F32)));
            Output out = side.output("out", rows, columns)
                    .within((row, column, expected) -> row < starts[0] || row >= starts[starts.length - 1]
                            ? Double.POSITIVE_INFINITY
                            : bound.allowed(row, column, expected));
            Tensor keys = side.input(k, rows, keyColumns);
            Tensor values = side.input(v, rows, keyColumns);
            Tensor queries = side.input(q, rows, columns);
            side.queue().selfAttention(out.tensor(), queries, keys, values, side.input(starts, starts.length, 1), spec);
        });
    }

    private static Integer[] boxed(int[] values) {
        return java.util.Arrays.stream(values).boxed().toArray(Integer[]::new);
    }

    private static AttentionSpec spec(
            int heads, int keyValueHeads, int headSize, boolean causal, int window, float softcap) {
        float scale = (float) (1 / Math.sqrt(headSize));
        return new AttentionSpec(heads, keyValueHeads, headSize, scale, causal, window, softcap);
    }
}
