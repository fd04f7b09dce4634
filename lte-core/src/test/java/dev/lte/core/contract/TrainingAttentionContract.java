package dev.lte.core.contract;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import org.junit.jupiter.api.Test;

/** Attention within sequences, forward and backward. */
interface TrainingAttentionContract extends TrainingContract {
    @Test
    default void attendsAndDifferentiatesWithEveryNumberOfHeads() {
        int[][] heads = {{1, 1, 64}, {4, 4, 32}, {8, 2, 16}, {6, 3, 13}, {5, 1, 80}, {2, 1, 128}, {3, 1, 1}};
        for (DType dtype : trainingTypes()) {
            for (int[] h : heads) {
                for (boolean causal : new boolean[] {true, false}) {
                    differentiate(dtype, spec(h[0], h[1], h[2], causal, 0, 0), 0, 0, 9, 10, 10, 47);
                }
            }
        }
    }

    @Test
    default void attendsAndDifferentiatesOverSequencesOfEveryLength() {
        for (DType dtype : trainingTypes()) {
            for (int rows : new int[] {1, 2, 15, 16, 17, 31, 33, 64, 65, 130, 200}) {
                differentiate(dtype, spec(4, 2, 32, true, 0, 0), 0, rows);
                differentiate(dtype, spec(4, 2, 32, false, 0, 0), 0, rows);
            }
        }
    }

    @Test
    default void attendsAndDifferentiatesWithinAWindowAndUnderACap() {
        for (DType dtype : trainingTypes()) {
            for (boolean causal : new boolean[] {true, false}) {
                for (int window : new int[] {1, 2, 7, 16, 40, 1000}) {
                    differentiate(dtype, spec(4, 2, 16, causal, window, 0), 0, 9, 10, 77);
                }
                differentiate(dtype, spec(4, 2, 16, causal, 0, 2), 0, 9, 10, 47);
                differentiate(dtype, spec(4, 2, 16, causal, 20, 30), 0, 9, 10, 47);
            }
        }
    }

    /** Padding before and behind: its outputs and gradients are 0, whatever its keys and values. */
    @Test
    default void givesRowsOutsideAllSequencesZeros() {
        for (DType dtype : trainingTypes()) {
            differentiate(dtype, spec(4, 2, 32, true, 0, 0), 3, 9, 20);
            differentiate(dtype, spec(4, 2, 32, false, 0, 0), 3, 9, 20);
        }
    }

    /** Scores in the hundreds. */
    @Test
    default void differentiatesWhereWeightsAreZeroAndOne() {
        for (DType dtype : trainingTypes()) {
            differentiate(dtype, new AttentionSpec(2, 2, 32, 20, true, 0, 0), 0, 40);
        }
    }

    private void differentiate(DType dtype, AttentionSpec spec, int... starts) {
        int first = starts[0];
        int end = starts[starts.length - 1];
        int rows = end + first;
        rig().compare("training " + spec + ", " + dtype + ", rows " + first + " to " + end, 241, side -> {
            int columns = spec.heads() * spec.headSize();
            int keyColumns = spec.keyValueHeads() * spec.headSize();
            Tensor q = side.input(dtype, Values.normal(side.random(), rows * columns), rows, columns);
            Tensor k = side.input(dtype, Values.normal(side.random(), rows * keyColumns), rows, keyColumns);
            Tensor v = side.input(dtype, Values.normal(side.random(), rows * keyColumns), rows, keyColumns);
            Tensor dout = side.input(dtype, Values.normal(side.random(), rows * columns), rows, columns);
            Tensor from = side.input(starts, starts.length, 1);
            double error = trainingAttentionError(dtype);
            Output out = side.changing("out", dtype, new float[rows * columns], rows, columns)
                    .within(TrainingContract.stored(
                            dtype,
                            Bound.lazily(
                                    () -> new AttentionBound(side.read(q), side.read(k), side.read(v), spec, error))));
            Output logSumExp = side.output("logSumExp", rows, spec.heads())
                    .within((row, column, expected) -> 32 * error * Math.max(1, spec.scale()) * spec.headSize());
            side.training().attention(out.tensor(), logSumExp.tensor(), q, k, v, from, spec);
            AttentionGradientBound bound = new AttentionGradientBound(
                    side.read(q), side.read(k), side.read(v), side.read(dout), starts, spec, error);
            float[] garbage = Values.normal(side.random(), rows * columns);
            Output dq = side.changing("dq", dtype, garbage, rows, columns)
                    .within(TrainingContract.stored(dtype, bound.dq()));
            Output dk = side.changing("dk", dtype, garbage, rows, keyColumns)
                    .within(TrainingContract.stored(dtype, bound.dk()));
            Output dv = side.changing("dv", dtype, garbage, rows, keyColumns)
                    .within(TrainingContract.stored(dtype, bound.dv()));
            side.training()
                    .attentionBackward(
                            dq.tensor(),
                            dk.tensor(),
                            dv.tensor(),
                            dout,
                            out.tensor(),
                            logSumExp.tensor(),
                            q,
                            k,
                            v,
                            from,
                            spec);
        });
    }

    private static AttentionSpec spec(
            int heads, int keyValueHeads, int headSize, boolean causal, int window, float softcap) {
        float scale = (float) (1 / Math.sqrt(headSize));
        return new AttentionSpec(heads, keyValueHeads, headSize, scale, causal, window, softcap);
    }
}
