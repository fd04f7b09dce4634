package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Mismatched shapes are refused before anything runs; empty ones are fine. */
interface ShapeContract extends Contract {
    NormSpec NORM_SPEC = new NormSpec(NormSpec.Kind.RMS, 1e-6f, 0);
    RopeSpec ROPE_SPEC = new RopeSpec(8, 8, RopeSpec.Pairing.HALVES);
    AttentionSpec ATTENTION_SPEC = new AttentionSpec(4, 2, 8, 1, true, 0, 0);
    FfnSpec FFN_SPEC = new FfnSpec(32, 64, 32, Activation.SILU, true);

    @Test
    default void refusesShapesThatDoNotFitAndNamesThem() {
        Shapes s = new Shapes(rig().tested());
        KernelQueue queue = rig().queue();
        refuses("9 x 32", () -> queue.embed(s.f(3, 31), s.f(9, 32), s.i(3, 1), 1, Write.SET));
        refuses("2 x 1", () -> queue.embed(s.f(3, 32), s.f(9, 32), s.i(2, 1), 1, Write.SET));
        refuses("3 x 1", () -> queue.embed(s.f(3, 32), s.f(9, 32), s.f(3, 1), 1, Write.SET));
        refuses("3 x 31", () -> queue.norm(s.f(3, 32), s.f(3, 31), s.f(1, 32), null, NORM_SPEC));
        refuses("1 x 31", () -> queue.norm(s.f(3, 32), s.f(3, 32), s.f(1, 31), null, NORM_SPEC));
        refuses("1 x 31", () -> queue.norm(s.f(3, 32), s.f(3, 32), s.f(1, 32), s.f(1, 31), NORM_SPEC));
        refuses("3 x 31", () -> queue.linear(s.f(3, 20), s.f(3, 31), s.f(20, 32), null, Write.SET));
        refuses("20 x 32", () -> queue.linear(s.f(3, 21), s.f(3, 32), s.f(20, 32), null, Write.SET));
        refuses("2 x 32", () -> queue.linear(s.f(3, 20), s.f(2, 32), s.f(20, 32), null, Write.SET));
        refuses("1 x 32", () -> queue.linear(s.f(3, 20), s.f(3, 32), s.f(20, 32), s.f(1, 32), Write.SET));
        refuses("3 x 20", () -> queue.linear(s.i(3, 20), s.f(3, 32), s.f(20, 32), null, Write.SET));
        refuses("3 x 30", () -> queue.rope(s.f(3, 30), s.i(3, 1), s.f(9, 8), ROPE_SPEC));
        refuses("3 x 2", () -> queue.rope(s.f(3, 32), s.i(3, 2), s.f(9, 8), ROPE_SPEC));
        refuses("9 x 6", () -> queue.rope(s.f(3, 32), s.i(3, 1), s.f(9, 6), ROPE_SPEC));
        refuses("3 x 31", () -> queue.add(s.f(3, 32), s.f(3, 31)));
        refuses("3 x 32", () -> queue.activate(s.i(3, 32), Activation.SILU));
        refuses("3 x 32", () -> queue.softcap(s.i(3, 32), 30));
        refuses("0", () -> queue.softcap(s.f(3, 32), 0));
        refuses("5 x 31", () -> queue.gatherRows(s.f(3, 32), s.f(5, 31), s.i(3, 1)));
        refuses("2 x 1", () -> queue.gatherRows(s.f(3, 32), s.f(5, 32), s.i(2, 1)));
        refuses("3 x 31", () -> queue.routerScores(s.f(3, 20), s.f(3, 31), s.f(20, 32)));
        refuses("20 x 32", () -> queue.routerScores(s.f(3, 21), s.f(3, 32), s.f(20, 32)));
        refuses("3 x 1", () -> queue.argmax(s.f(3, 1), s.f(3, 20)));
        refuses("2 x 1", () -> queue.argmax(s.i(2, 1), s.f(3, 20)));
    }

    @Test
    default void refusesAttentionThatDoesNotFit() {
        Shapes s = new Shapes(rig().tested());
        KernelQueue queue = rig().queue();
        RowBatch rows = new RowBatch(s.i(3, 1), s.i(3, 1), s.i(2, 4), 4);
        RowBatch two = new RowBatch(s.i(2, 1), s.i(3, 1), s.i(2, 4), 4);
        RowBatch floats = new RowBatch(s.i(3, 1), s.i(3, 1), s.f(2, 4), 4);
        RowBatch fives = new RowBatch(s.i(3, 1), s.i(3, 1), s.i(2, 4), 5);
        Tensor cache = s.f(32, 16);
        refuses("3 x 15", () -> queue.appendKeyValue(cache, cache, s.f(3, 16), s.f(3, 15), rows));
        refuses("32 x 16", () -> queue.appendKeyValue(cache, cache, s.f(3, 15), s.f(3, 15), rows));
        refuses("28 x 16", () -> queue.appendKeyValue(cache, s.f(28, 16), s.f(3, 16), s.f(3, 16), rows));
        refuses("2 x 1", () -> queue.appendKeyValue(cache, cache, s.f(3, 16), s.f(3, 16), two));
        refuses("2 x 4", () -> queue.appendKeyValue(cache, cache, s.f(3, 16), s.f(3, 16), floats));
        refuses("32 x 16", () -> queue.appendKeyValue(cache, cache, s.f(3, 16), s.f(3, 16), fives));
        refuses("3 x 31", () -> queue.attention(s.f(3, 32), s.f(3, 31), cache, cache, rows, ATTENTION_SPEC));
        refuses("3 x 31", () -> queue.attention(s.f(3, 31), s.f(3, 31), cache, cache, rows, ATTENTION_SPEC));
        refuses("32 x 8", () -> queue.attention(s.f(3, 32), s.f(3, 32), s.f(32, 8), s.f(32, 8), rows, ATTENTION_SPEC));
        refuses("2 x 1", () -> queue.attention(s.f(3, 32), s.f(3, 32), cache, cache, two, ATTENTION_SPEC));
        Tensor kv = s.f(3, 16);
        refuses("3 x 31", () -> queue.selfAttention(s.f(3, 32), s.f(3, 31), kv, kv, s.i(2, 1), ATTENTION_SPEC));
        refuses("3 x 15", () -> queue.selfAttention(s.f(3, 32), s.f(3, 32), s.f(3, 15), kv, s.i(2, 1), ATTENTION_SPEC));
        refuses("2 x 2", () -> queue.selfAttention(s.f(3, 32), s.f(3, 32), kv, kv, s.i(2, 2), ATTENTION_SPEC));
    }

    @Test
    default void refusesFeedForwardBlocksThatDoNotFit() {
        Shapes s = new Shapes(rig().tested());
        KernelQueue queue = rig().queue();
        FfnWeights ffn = ffn(rig().tested());
        ExpertSelection selection = new ExpertSelection(s.i(3, 2), s.i(3, 1));
        refuses("3 x 31", () -> queue.denseFfn(s.f(3, 32), s.f(3, 31), ffn, Write.SET));
        refuses("3 x 31", () -> queue.denseFfn(s.f(3, 31), s.f(3, 31), ffn, Write.SET));
        refuses("2 x 32", () -> queue.denseFfn(s.f(3, 32), s.f(2, 32), ffn, Write.SET));
        refuses("2 x 32", () -> queue.sparseFfn(s.f(3, 32), s.f(2, 32), ffn, selection, Write.SET));
        ExpertSelection wide = new ExpertSelection(s.i(3, 3), s.i(3, 1));
        refuses("3 x 3", () -> queue.sparseFfn(s.f(3, 32), s.f(3, 32), ffn, wide, Write.SET));
        refuses("3 x 3", () -> queue.selectExperts(wide, s.f(3, 2), s.f(3, 1)));
        refuses("3 x 2", () -> queue.selectExperts(selection, s.f(3, 2), s.f(3, 2)));
        refuses("2 x 1", () -> queue.selectExperts(selection, s.f(3, 2), s.f(2, 1)));
    }

    @Test
    default void refusesTensorsOfAnotherBackend() {
        Shapes s = new Shapes(rig().tested());
        KernelQueue queue = rig().queue();
        for (Backend other : new Backend[] {rig().open(), Rig.openReference()}) {
            try (other) {
                Tensor foreign = other.allocate(DType.F32, 3, 32);
                FfnWeights foreignFfn = ffn(other);
                assertThatThrownBy(() -> queue.add(s.f(3, 32), foreign)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> queue.add(foreign, s.f(3, 32))).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> queue.linear(s.f(3, 3), s.f(3, 32), foreign, null, Write.SET))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> queue.denseFfn(s.f(3, 32), s.f(3, 32), foreignFfn, Write.SET))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> queue.read(foreign, new float[96]))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> rig().tested().free(foreign)).isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Test
    default void doesNothingForNoRows() {
        Shapes s = new Shapes(rig().tested());
        KernelQueue queue = rig().queue();
        Tensor none = s.f(3, 32).rowRange(0, 0);
        Tensor ids = s.i(3, 1).rowRange(3, 3);
        ExpertSelection selection = new ExpertSelection(s.i(3, 2), s.i(3, 1)).firstRows(0);
        RowBatch rows = new RowBatch(ids, ids, s.i(2, 4), 4);
        Tensor cache = s.f(32, 16);
        Tensor kv = s.f(3, 16).rowRange(1, 1);
        FfnWeights ffn = ffn(rig().tested());
        queue.embed(none, s.f(9, 32), ids, 1, Write.SET);
        queue.norm(none, none, s.f(1, 32), null, NORM_SPEC);
        queue.linear(none, none, s.f(32, 32), null, Write.ADD);
        queue.rope(none, ids, s.f(9, 8), ROPE_SPEC);
        queue.appendKeyValue(cache, cache, kv, kv, rows);
        queue.attention(none, none, cache, cache, rows, ATTENTION_SPEC);
        queue.selfAttention(none, none, kv, kv, s.i(2, 1), ATTENTION_SPEC);
        queue.add(none, none);
        queue.activate(none, Activation.GELU);
        queue.softcap(none, 30);
        queue.gatherRows(none, s.f(5, 32), ids);
        queue.denseFfn(none, none, ffn, Write.SET);
        queue.routerScores(s.f(3, 2).rowRange(0, 0), none, s.f(2, 32));
        queue.selectExperts(selection, s.f(3, 2).rowRange(0, 0), s.f(3, 1).rowRange(0, 0));
        queue.sparseFfn(none, none, ffn, selection, Write.SET);
        queue.argmax(ids, none);
        queue.write(none, new float[0]);
        queue.read(none, new float[0]);
        queue.await();
    }

    private static void refuses(String found, Runnable operation) {
        assertThatThrownBy(operation::run)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(found);
    }

    private static FfnWeights ffn(Backend backend) {
        SplittableRandom random = new SplittableRandom(1);
        return backend.ffn(new FfnData(
                FFN_SPEC,
                RandomWeights.matrix(DType.F32, 64, 32, random),
                RandomWeights.matrix(DType.F32, 64, 32, random),
                RandomWeights.matrix(DType.F32, 32, 64, random),
                null,
                null));
    }

    /** Tensors by shape, one of each. */
    final class Shapes {
        private final Backend backend;
        private final Map<String, Tensor> made = new HashMap<>();

        Shapes(Backend backend) {
            this.backend = backend;
        }

        Tensor f(int rows, int columns) {
            return make(DType.F32, rows, columns);
        }

        Tensor i(int rows, int columns) {
            return make(DType.I32, rows, columns);
        }

        private Tensor make(DType dtype, int rows, int columns) {
            return made.computeIfAbsent(
                    dtype + " " + rows + " " + columns, key -> backend.allocate(dtype, rows, columns));
        }
    }
}
