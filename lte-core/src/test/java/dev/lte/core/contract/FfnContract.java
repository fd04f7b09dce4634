package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.Activation;
import dev.lte.backend.DType;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.Write;
import dev.lte.core.contract.FfnCase.Pattern;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** Feed-forward blocks, dense and sparse. */
interface FfnContract extends Contract {
    @Test
    default void runsEveryPatternOfExpertsForEveryNumberOfRows() {
        for (boolean gated : new boolean[] {true, false}) {
            for (Pattern pattern : Pattern.values()) {
                for (int rows : ROWS) {
                    Write write = Write.values()[rows % 2];
                    FfnSpec spec = new FfnSpec(64, 320, 32, Activation.SILU, gated);
                    run(new FfnCase(spec, DType.F32, DType.F32, !gated, rows, pattern, write));
                }
            }
        }
    }

    @Test
    default void runsBlocksOfEveryWeightType() {
        for (DType dtype : weightTypes()) {
            for (int rows : ROWS) {
                for (Pattern pattern : List.of(Pattern.DENSE, Pattern.MIXED)) {
                    Write write = Write.values()[rows % 2];
                    FfnSpec spec = new FfnSpec(256, 256, 32, Activation.SILU, true);
                    run(new FfnCase(spec, dtype, dtype, false, rows, pattern, write));
                }
            }
            for (Pattern pattern : Pattern.values()) {
                FfnSpec spec = new FfnSpec(256, 256, 32, Activation.GELU_TANH, false);
                run(new FfnCase(spec, dtype, dtype, true, 1, pattern, Write.SET));
                run(new FfnCase(spec, dtype, dtype, true, 7, pattern, Write.ADD));
            }
        }
    }

    /** Files often keep the down projection more exactly than the others. */
    @Test
    default void runsBlocksOfTwoWeightTypes() {
        List<DType> types = List.copyOf(weightTypes());
        for (int i = 0; i < types.size(); i++) {
            DType inner = types.get(i);
            DType outer = types.get((i + 1) % types.size());
            for (int rows : new int[] {1, 4, 33}) {
                FfnSpec spec = new FfnSpec(256, 512, 32, Activation.SILU, true);
                run(new FfnCase(spec, inner, outer, false, rows, Pattern.HALF, Write.ADD));
                run(new FfnCase(spec, inner, outer, false, rows, Pattern.DENSE, Write.ADD));
            }
        }
    }

    @Test
    default void appliesEveryActivation() {
        for (Activation activation : Activation.values()) {
            for (boolean gated : new boolean[] {true, false}) {
                for (DType dtype : weightTypes()) {
                    FfnSpec spec = new FfnSpec(256, 256, 32, activation, gated);
                    run(new FfnCase(spec, dtype, dtype, true, 3, Pattern.MIXED, Write.SET));
                    run(new FfnCase(spec, dtype, dtype, true, 3, Pattern.DENSE, Write.SET));
                }
            }
        }
    }

    @Test
    default void runsExpertsOfOddSizesAndBlocksOfOddWidths() {
        for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
            if (weightTypes().contains(dtype)) {
                for (int size : new int[] {1, 3, 8, 16, 48, 64}) {
                    for (int model : new int[] {1, 13, 33, 207}) {
                        for (Pattern pattern : List.of(Pattern.DENSE, Pattern.MIXED)) {
                            for (int rows : new int[] {1, 6}) {
                                FfnSpec spec = new FfnSpec(model, 5 * size, size, Activation.SILU, size % 2 == 0);
                                run(new FfnCase(spec, dtype, dtype, size % 3 == 0, rows, pattern, Write.ADD));
                            }
                        }
                    }
                }
            }
        }
    }

    /** An expert is part of a block, or of several. */
    @Test
    default void runsQuantisedExpertsThatAreNoWholeBlocks() {
        for (DType dtype : weightTypes()) {
            if (dtype.blockSize() == 32) {
                for (int size : new int[] {8, 16, 48, 64}) {
                    for (int rows : new int[] {1, 5}) {
                        FfnSpec spec = new FfnSpec(96, 192, size, Activation.SILU, true);
                        run(new FfnCase(spec, dtype, dtype, false, rows, Pattern.MIXED, Write.SET));
                        run(new FfnCase(spec, dtype, dtype, false, rows, Pattern.DENSE, Write.SET));
                    }
                }
            }
        }
    }

    @Test
    default void runsManyExperts() {
        FfnSpec spec = new FfnSpec(64, 344 * 32, 32, Activation.SILU, true);
        for (DType dtype : List.of(DType.F32, DType.Q8_0, DType.Q4_0)) {
            if (weightTypes().contains(dtype)) {
                for (Pattern pattern : Pattern.values()) {
                    run(new FfnCase(spec, dtype, dtype, false, 1, pattern, Write.ADD));
                }
                run(new FfnCase(spec, dtype, dtype, false, 9, Pattern.MIXED, Write.ADD));
            }
        }
    }

    @Test
    default void tellsTheShapeAndTheBytesOfABlock() {
        for (DType dtype : weightTypes()) {
            FfnSpec spec = new FfnSpec(256, 512, 32, Activation.SILU, true);
            RandomGenerator random = new SplittableRandom(1);
            FfnData data = new FfnData(
                    spec,
                    RandomWeights.matrix(dtype, 512, 256, random),
                    RandomWeights.matrix(dtype, 512, 256, random),
                    RandomWeights.matrix(dtype, 256, 512, random),
                    null,
                    null);
            FfnWeights weights = rig().tested().ffn(data);
            assertThat(weights.spec()).isEqualTo(spec);
            // Half of the file's bytes: a backend may store less than the file, but a count of elements or rows is
            // wrong.
            assertThat(weights.byteSize())
                    .as(dtype.name())
                    .isGreaterThan(data.up().bytes().byteSize() * 3 / 2);
        }
    }

    private void run(FfnCase ffn) {
        rig().compare(ffn.toString(), 149, Side.Layout.values()[ffn.rows() % 2], side -> ffn.run(side, this));
    }
}
