package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.NormSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What holds for all operations of training, and what the other parts of its contract share. */
interface TrainingContract extends Contract {
    /** Widths and heights of matrices: below, at and beyond a vector, a tile, a block. */
    List<Integer> SIZES = List.of(1, 3, 13, 16, 31, 33, 64, 130);

    /** Relative spacing of BF16 at most: two results that differ by a hair may be rounded apart by this. */
    double BF16_SPACING = 1.0 / 128;

    /** The bound of F32 results, as stored in this type. */
    static Bound stored(DType dtype, Bound bound) {
        return dtype == DType.BF16
                ? (row, column, expected) ->
                        bound.allowed(row, column, expected) + BF16_SPACING * Math.abs(expected) + Float.MIN_NORMAL
                : bound;
    }

    /** Sums of {@code count} products of numbers around {@code magnitude}. */
    static Bound sums(int count, double magnitude) {
        return Bound.of(Bound.SUM * Math.sqrt(count) * magnitude, Bound.FEW);
    }

    @Test
    default void offersTrainingInExactlyTheTypesThatItIsSaidTo() {
        TrainingKernels training = rig().queue().training();
        assertThat(training != null)
                .as("offers training")
                .isEqualTo(!trainingTypes().isEmpty());
        if (training != null) {
            for (DType dtype : DType.values()) {
                assertThat(training.supports(dtype))
                        .as(dtype.name())
                        .isEqualTo(trainingTypes().contains(dtype));
            }
            assertThat(training).isSameAs(rig().queue().training());
        }
    }

    /** Sums over many rows, where threads would be tempted to add up in the order in which they finish. */
    @Test
    default void repeatsEveryBit() {
        if (trainingTypes().isEmpty()) {
            return;
        }
        float[] first = sums();
        for (int i = 0; i < 5; i++) {
            assertThat(sums()).as("sums, repetition " + i + ", seed 313").containsExactly(first);
        }
    }

    private float[] sums() {
        Side side = new Side(rig().tested(), rig().queue(), Side.Layout.WHOLE, 313);
        TrainingKernels k = side.training();
        int rows = 301;
        Tensor x = side.input(Values.outliers(side.random(), rows * 65), rows, 65);
        Tensor dout = side.input(Values.outliers(side.random(), rows * 65), rows, 65);
        Tensor weight = side.input(Values.normal(side.random(), 65 * 65), 65, 65);
        Tensor ids = side.input(Values.integers(side.random(), rows, 0, 7), rows, 1);
        Tensor norm = side.input(Values.normal(side.random(), 65), 1, 65);
        Tensor starts = side.input(new int[] {0, 150, rows}, 3, 1);
        Tensor dx = side.output("dx", rows, 65).tensor();
        Tensor dk = side.output("dk", rows, 65).tensor();
        Tensor dv = side.output("dv", rows, 65).tensor();
        Tensor dweight = side.output("dweight", 65, 65).tensor();
        Tensor dnorm = side.output("dnorm", 2, 65).tensor();
        Tensor statistics = side.output("statistics", rows, 2).tensor();
        Tensor scalar = side.output("scalar", 1, 1).tensor();
        Tensor rowWeights = side.input(Values.normal(side.random(), rows), rows, 1);
        NormSpec spec = new NormSpec(NormSpec.Kind.LAYER, 1e-5f, 0);
        AttentionSpec attention = new AttentionSpec(5, 5, 13, 0.3f, true, 0, 0);
        k.fill(dweight, 0);
        k.fill(dnorm, 0);
        k.fill(scalar, 0);
        k.linearBackwardWeight(dweight, dnorm.rowRange(0, 1), dout, x);
        k.embedBackward(dweight, dout, ids, 1);
        k.linearBackwardInput(dx, dout, weight, Write.SET);
        k.norm(dx, statistics, x, norm, null, spec);
        k.normBackward(dx, dnorm.rowRange(0, 1), dnorm.rowRange(1, 2), dout, x, statistics, norm, spec, Write.ADD);
        Tensor lse = side.output("lse", rows, 5).tensor();
        Tensor out = side.output("out", rows, 65).tensor();
        k.attention(out, lse, x, dout, x, starts, attention);
        k.attentionBackward(dx, dk, dv, dout, out, lse, x, dout, x, starts, attention);
        k.addSquares(scalar, List.of(x, dout, dx, dk, dv));
        k.crossEntropy(scalar, dk, x, ids, rowWeights);
        float[][] results = {
            side.read(dweight), side.read(dnorm), side.read(dx), side.read(dk), side.read(dv), side.read(scalar)
        };
        side.free();
        int length = Arrays.stream(results).mapToInt(r -> r.length).sum();
        float[] all = new float[length];
        int at = 0;
        for (float[] result : results) {
            System.arraycopy(result, 0, all, at, result.length);
            at += result.length;
        }
        return all;
    }
}
