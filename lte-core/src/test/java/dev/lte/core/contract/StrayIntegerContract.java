package dev.lte.core.contract;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/**
 * Positions, pages and experts that do not exist: the results of such rows are undefined, but nothing outside the tensors is
 * touched and other rows are as ever. Ids of {@code embed} and {@code gatherRows} are in {@link RowContract}.
 */
interface StrayIntegerContract extends Contract {
    AttentionSpec STRAY_ATTENTION = new AttentionSpec(2, 1, 32, 0.25f, true, 0, 0);

    @Test
    default void survivesPositionsThatAreInNoTable() {
        int[] at = {3, 10, 1 << 30, Integer.MAX_VALUE, Integer.MIN_VALUE, 0};
        rig().compare("rope at positions outside", 197, side -> {
            Tensor table = side.input(Values.normal(side.random(), 10 * 16), 10, 16);
            Output x = side.changing("x", DType.F32, Values.normal(side.random(), 6 * 32), 6, 32)
                    .within((row, column, expected) -> row == 0 || row == 5 ? 1e-5 : Double.POSITIVE_INFINITY);
            RopeSpec spec = new RopeSpec(16, 16, RopeSpec.Pairing.HALVES);
            side.queue().rope(x.tensor(), side.input(at, 6, 1), table, spec);
        });
    }

    @Test
    default void survivesPagesAndSequencesThatDoNotExist() {
        int[] positions = {5, 5, 5, 8, 1 << 30, Integer.MAX_VALUE, 2};
        int[] sequences = {0, 3, -1, 0, 0, 1, 2};
        for (int page : new int[] {-1, 6, 1 << 28, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            for (DType dtype : cacheTypes()) {
                rig().compare("pages like " + page + ", " + dtype, 199, side -> {
                    RandomGenerator random = side.random();
                    Output keys = side.changing("keys", dtype, Values.normal(random, 24 * 32), 24, 32);
                    Output values = side.changing("values", dtype, Values.normal(random, 24 * 32), 24, 32);
                    int[] table = {1, 3, page, page, 2, page};
                    RowBatch rows = new RowBatch(
                            side.input(positions, 7, 1), side.input(sequences, 7, 1), side.input(table, 3, 2), 4);
                    Tensor k = side.input(Values.normal(random, 7 * 32), 7, 32);
                    Tensor v = side.input(Values.normal(random, 7 * 32), 7, 32);
                    Tensor q = side.input(Values.normal(random, 7 * 64), 7, 64);
                    Output out = side.output("out", 7, 64)
                            .within((row, column, expected) ->
                                    row == 0 || row == 6 ? 1e-4 + attentionError(dtype) : Double.POSITIVE_INFINITY);
                    side.queue().appendKeyValue(keys.tensor(), values.tensor(), k, v, rows);
                    side.queue().attention(out.tensor(), q, keys.tensor(), values.tensor(), rows, STRAY_ATTENTION);
                });
            }
        }
    }

    @Test
    default void survivesSequencesThatStartNowhere() {
        for (int[] starts :
                new int[][] {{0, 5, 100}, {-3, 5, 9}, {0, 5, 2, 9}, {9, 0}, {Integer.MIN_VALUE, Integer.MAX_VALUE}, {7}
                }) {
            rig().compare("selfAttention with starts " + java.util.Arrays.toString(starts), 211, side -> {
                Tensor k = side.input(Values.normal(side.random(), 9 * 32), 9, 32);
                Tensor v = side.input(Values.normal(side.random(), 9 * 32), 9, 32);
                Tensor q = side.input(Values.normal(side.random(), 9 * 64), 9, 64);
                Output out = side.output("out", 9, 64).undefined();
                Tensor bounds = side.input(starts, starts.length, 1);
                side.queue().selfAttention(out.tensor(), q, k, v, bounds, STRAY_ATTENTION);
            });
        }
    }

    @Test
    default void survivesExpertsThatDoNotExist() {
        int[] lists = {
            0, 2, 0, 0, //
            4, -1, 1 << 30, 1, //
            0, 1, 2, 3, //
            0, 1, 2, 3, //
            3, 9, 9, 9
        };
        int[] counts = {2, 4, 5, -7, 1};
        for (DType dtype : weightTypes()) {
            rig().compare("experts outside, " + dtype, 223, side -> {
                FfnSpec spec = new FfnSpec(256, 4 * 64, 64, Activation.SILU, true);
                RandomGenerator random = side.random();
                FfnWeights ffn = side.ffn(new FfnData(
                        spec,
                        RandomWeights.matrix(dtype, 256, 256, random),
                        RandomWeights.matrix(dtype, 256, 256, random),
                        RandomWeights.matrix(dtype, 256, 256, random),
                        null,
                        null));
                Tensor x = side.input(Values.normal(random, 5 * 256), 5, 256);
                // How exact the others are is not the question here.
                Output y = side.output("y", 5, 256)
                        .within((row, column, expected) ->
                                row == 0 || row == 4 ? 0.5 + 0.1 * Math.abs(expected) : Double.POSITIVE_INFINITY);
                ExpertSelection selection = new ExpertSelection(side.input(lists, 5, 4), side.input(counts, 5, 1));
                side.queue().sparseFfn(y.tensor(), x, ffn, selection, Write.SET);
            });
        }
    }
}
