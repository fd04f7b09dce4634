package dev.lte.core.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What encoding loses, that no other codes would lose less, and what cannot be encoded. */
class BlockEncoderTest {
    private static final long SEED = 11;

    static Stream<DType> encodableBlockTypes() {
        return Arrays.stream(DType.values()).filter(DType::isQuantized).filter(BlockFormats::encodes);
    }

    private static byte[] encode(DType dtype, float[] in) {
        byte[] bytes = new byte[(int) dtype.byteSize(in.length)];
        BlockFormats.encode(dtype, in, 0, in.length, MemorySegment.ofArray(bytes), 0);
        return bytes;
    }

    private static float[] decode(DType dtype, byte[] bytes, int count) {
        float[] out = new float[count];
        BlockFormats.decode(dtype, MemorySegment.ofArray(bytes), 0, out, 0, count);
        return out;
    }

    private static float[] normal(int count, double deviation) {
        Random random = new Random(SEED);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (random.nextGaussian() * deviation);
        }
        return values;
    }

    private static double error(float[] expected, float[] actual) {
        double error = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            error += Math.pow(actual[i] - expected[i], 2);
            size += Math.pow(expected[i], 2);
        }
        return Math.sqrt(error / size);
    }

    /**
     * For normal values. Plain types lose at most half a unit of their last bit, a third of its square on average; the bounds of
     * block types stand 5 % above what ggml's reference quantisers lose on 768,000 values.
     */
    @ParameterizedTest
    @CsvSource({"F32, 0", "F16, 0.00029", "BF16, 0.0023", "Q8_0, 0.0056", "Q6_K, 0.0187", "Q4_K, 0.0749", "Q4_0, 0.0901"})
    void losesNoMoreThanTheTypeMust(DType dtype, double bound) {
        float[] in = normal(256 * 200, 0.02);
        assertThat(error(in, decode(dtype, encode(dtype, in), in.length))).isBetween(bound / 2, bound);
    }

    /** The scales of the blocks taken as they are, every code is the nearest. */
    @ParameterizedTest
    @MethodSource("encodableBlockTypes")
    void choosesTheNearestCodes(DType dtype) {
        float[] in = normal(256 * 20, 1);
        byte[] bytes = encode(dtype, in);
        int size = dtype.blockSize();
        for (int block = 0; block < in.length / size; block++) {
            byte[] own = Arrays.copyOfRange(bytes, block * dtype.blockBytes(), (block + 1) * dtype.blockBytes());
            double[][] levels = levels(dtype, own);
            SlowBlocks decoded = new SlowBlocks(own);
            for (int i = 0; i < size; i++) {
                float value = in[block * size + i];
                double nearest = Double.MAX_VALUE;
                for (double[] level : levels) {
                    nearest = Math.min(nearest, Math.abs(level[i] - value));
                }
                // Codes of 32-element blocks are chosen before the scale is rounded to half precision.
                double slack = size == 32 ? 0x1p-10 * Math.abs(value) : 1e-6;
                assertThat(Math.abs(decoded.element(dtype, i) - value))
                        .as("%s, seed %d, block %d, element %d", dtype, SEED, block, i)
                        .isLessThanOrEqualTo(nearest + slack);
            }
        }
    }

    /** What each element would be if all codes of the block had all their bits alike, for all codes. */
    private static double[][] levels(DType dtype, byte[] block) {
        int bits = dtype == DType.Q8_0 ? 8 : dtype == DType.Q6_K ? 6 : 4;
        double[][] levels = new double[1 << bits][dtype.blockSize()];
        for (int code = 0; code < levels.length; code++) {
            byte[] same = block.clone();
            switch (dtype) {
                case Q8_0 -> Arrays.fill(same, 2, 34, (byte) (code == 0 ? 1 : code));
                case Q4_0 -> Arrays.fill(same, 2, 18, (byte) (code * 17));
                case Q4_K -> Arrays.fill(same, 16, 144, (byte) (code * 17));
                default -> {
                    Arrays.fill(same, 0, 128, (byte) (code % 16 * 17));
                    Arrays.fill(same, 128, 192, (byte) (code / 16 * 0x55));
                }
            }
            for (int i = 0; i < dtype.blockSize(); i++) {
                levels[code][i] = new SlowBlocks(same).element(dtype, i);
            }
        }
        return levels;
    }

    /** The plainest way to quantise, group by group in double precision with scales of any precision. */
    private static double plainError(float[] in, int group, int largestCode, boolean withMin) {
        double error = 0;
        double size = 0;
        for (int from = 0; from < in.length; from += group) {
            double min = 0;
            double max = 0;
            for (int i = from; i < from + group; i++) {
                min = Math.min(min, in[i]);
                max = Math.max(max, in[i]);
            }
            double scale = withMin ? (max - min) / largestCode : Math.max(max, -min) / (largestCode / 2);
            for (int i = from; i < from + group; i++) {
                double offset = withMin ? min : 0;
                error += Math.pow(Math.rint((in[i] - offset) / scale) * scale + offset - in[i], 2);
                size += in[i] * in[i];
            }
        }
        return Math.sqrt(error / size);
    }

    @Test
    void searchBeatsPlainScaling() {
        float[] in = normal(256 * 200, 1);
        float[] q4k = decode(DType.Q4_K, encode(DType.Q4_K, in), in.length);
        assertThat(error(in, q4k)).isLessThan(0.99 * plainError(in, 32, 15, true));
        float[] q6k = decode(DType.Q6_K, encode(DType.Q6_K, in), in.length);
        assertThat(error(in, q6k)).isLessThan(0.99 * plainError(in, 16, 63, false));
    }

    @ParameterizedTest
    @MethodSource("encodableBlockTypes")
    void keepsZeros(DType dtype) {
        assertAllZero(decode(dtype, encode(dtype, new float[512]), 512));
        float[] spike = new float[512];
        spike[300] = -3;
        float[] out = decode(dtype, encode(dtype, spike), 512);
        assertThat(out[300]).isBetween(-3.01f, -2.99f);
        out[300] = 0;
        assertAllZero(out);
    }

    /** Of either sign. */
    private static void assertAllZero(float[] values) {
        for (float value : values) {
            assertThat(Math.abs(value)).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("encodableBlockTypes")
    void survivesTheSmallestAndTheLargestValues(DType dtype) {
        for (float magnitude : new float[] {Float.MIN_VALUE, Float.MIN_NORMAL, 1e-20f, 1e-8f, 1e5f}) {
            float[] in = normal(256, magnitude);
            for (float value : decode(dtype, encode(dtype, in), 256)) {
                assertThat(Math.abs(value)).as("%s of %s", dtype, magnitude).isLessThan(5 * magnitude + 0x1p-20f);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("encodableBlockTypes")
    void refusesWhatBlocksCannotHold(DType dtype) {
        for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            float[] in = normal(512, 1);
            in[400] = value;
            assertThatThrownBy(() -> encode(dtype, in))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("element 400");
        }
        float[] huge = normal(256, 1e30);
        assertThatThrownBy(() -> encode(dtype, huge))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("65504");
    }

    @ParameterizedTest
    @EnumSource
    void refusesTypesThatItCannotEncode(DType dtype) {
        if (!BlockFormats.encodes(dtype)) {
            assertThatThrownBy(() -> encode(dtype, new float[dtype.blockSize()]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(dtype.toString());
        }
    }

    @ParameterizedTest
    @EnumSource
    void writesOnlyItsOwnBytes(DType dtype) {
        if (!BlockFormats.encodes(dtype)) {
            return;
        }
        int count = 2 * dtype.blockSize();
        float[] in = normal(count + 2, 1);
        int size = (int) dtype.byteSize(count);
        byte[] bytes = new byte[size + 6];
        Arrays.fill(bytes, (byte) 0x5a);
        BlockFormats.encode(dtype, in, 1, count, MemorySegment.ofArray(bytes), 3);
        assertThat(Arrays.copyOfRange(bytes, 3, 3 + size)).isEqualTo(encode(dtype, Arrays.copyOfRange(in, 1, 1 + count)));
        assertThat(Arrays.copyOf(bytes, 3)).containsOnly(0x5a);
        assertThat(Arrays.copyOfRange(bytes, 3 + size, size + 6)).containsOnly(0x5a);
    }

    @Test
    void halvesAreTakenToTheNearestEven() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            for (DType dtype : new DType[] {DType.F16, DType.BF16}) {
                byte[] bytes = {(byte) bits, (byte) (bits >> 8)};
                float value = decode(dtype, bytes, 1)[0];
                byte[] back = encode(dtype, new float[] {value});
                if (Float.isNaN(value)) {
                    assertThat(decode(dtype, back, 1)[0]).as("%s %x", dtype, bits).isNaN();
                } else {
                    assertThat(back).as("%s %x", dtype, bits).isEqualTo(bytes);
                }
            }
        }
        float[] ties = {0x1.01p0f, 0x1.03p0f, -0x1.01p0f, 0x1.010002p0f, Float.MAX_VALUE, Float.intBitsToFloat(0x7f800001)};
        float[] brain = decode(DType.BF16, encode(DType.BF16, ties), ties.length);
        assertThat(Arrays.copyOf(brain, 5)).containsExactly(1, 0x1.04p0f, -1, 0x1.02p0f, Float.POSITIVE_INFINITY);
        assertThat(brain[5]).isNaN();
        float[] halves = {0x1.002p0f, 0x1.006p0f, 65519, 65520, 0x1p-25f, 0x1.8p-25f};
        assertThat(decode(DType.F16, encode(DType.F16, halves), halves.length))
                .containsExactly(1, 0x1.008p0f, 65504, Float.POSITIVE_INFINITY, 0, 0x1p-24f);
    }
}
