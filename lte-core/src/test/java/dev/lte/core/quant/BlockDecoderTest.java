package dev.lte.core.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import dev.lte.core.contract.RandomWeights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every decoder against blocks made by hand and against {@link SlowBlocks}. */
class BlockDecoderTest {
    private static final long SEED = 7;

    static Stream<DType> blockTypes() {
        return Arrays.stream(DType.values()).filter(DType::isQuantized);
    }

    private static float[] decode(DType dtype, byte[] bytes) {
        float[] out = new float[bytes.length / dtype.blockBytes() * dtype.blockSize()];
        BlockFormats.decode(dtype, MemorySegment.ofArray(bytes), 0, out, 0, out.length);
        return out;
    }

    /** @param parts bytes in hexadecimal digits, or {@code xx*n} for n times the same */
    private static byte[] block(String parts) {
        StringBuilder digits = new StringBuilder();
        for (String part : parts.split(" ")) {
            int star = part.indexOf('*');
            digits.append(
                    star < 0 ? part : part.substring(0, star).repeat(Integer.parseInt(part.substring(star + 1))));
        }
        return HexFormat.of().parseHex(digits);
    }

    @Test
    void decodesBlocksOf32() {
        // 3800 is 0.5 in half precision, bytes swapped; b400 is -0.25.
        float[] q40 = decode(DType.Q4_0, block("0038 0f f0 88*14"));
        assertThat(q40[0]).isEqualTo(3.5f);
        assertThat(q40[16]).isEqualTo(-4f);
        assertThat(q40[1]).isEqualTo(-4f);
        assertThat(q40[17]).isEqualTo(3.5f);
        assertThat(q40[2]).isZero();

        float[] q41 = decode(DType.Q4_1, block("0038 00b4 21 00*15"));
        assertThat(q41[0]).isEqualTo(0.25f);
        assertThat(q41[16]).isEqualTo(0.75f);
        assertThat(q41[31]).isEqualTo(-0.25f);

        float[] q50 = decode(DType.Q5_0, block("0038 01000180 00*15 f0"));
        assertThat(q50[0]).isEqualTo(0f);
        assertThat(q50[1]).isEqualTo(-8f);
        assertThat(q50[16]).isEqualTo(0f);
        assertThat(q50[31]).isEqualTo(7.5f);

        float[] q51 = decode(DType.Q5_1, block("0038 00b4 02000000 00 30 00*14"));
        assertThat(q51[0]).isEqualTo(-0.25f);
        assertThat(q51[1]).isEqualTo(7.75f);
        assertThat(q51[17]).isEqualTo(1.25f);

        float[] q80 = decode(DType.Q8_0, block("0038 80 7f 00*29 ff"));
        assertThat(q80[0]).isEqualTo(-64f);
        assertThat(q80[1]).isEqualTo(63.5f);
        assertThat(q80[31]).isEqualTo(-0.5f);
    }

    @Test
    void decodesSuperBlocks() {
        // Group 1 has scale 3 and min 2; its first element is the lowest pair of bits of byte 16 of the codes.
        float[] q2k = decode(DType.Q2_K, block("00 23 00*14 00*16 02 00*47 0038 0034"));
        assertThat(q2k[16]).isEqualTo(0.5f * 3 * 2 - 0.25f * 2);
        assertThat(q2k[17]).isEqualTo(-0.5f);
        assertThat(q2k[0]).isZero();

        // All scales are 33 - 32 = 1; element 0 has code 3 and its high bit, element 32 code 3 without it.
        float[] q3k = decode(DType.Q3_K, block("01 00*31 0f 00*63 11*8 aa*4 0038"));
        assertThat(q3k[0]).isEqualTo(1.5f);
        assertThat(q3k[32]).isEqualTo(-0.5f);
        assertThat(q3k[1]).isEqualTo(-2f);

        // Groups 0 and 5: scale 1 and 0x21 = 33, min 2 and 0x12 = 18.
        byte[] q4kBlock = block("0038 0034 01 80 00 00 02 40 00 00 00 21 00 00 00*128");
        q4kBlock[16] = 0x07;
        q4kBlock[16 + 64] = (byte) 0xf0;
        float[] q4k = decode(DType.Q4_K, q4kBlock);
        assertThat(q4k[0]).isEqualTo(0.5f * 7 - 0.25f * 2);
        assertThat(q4k[1]).isEqualTo(-0.5f);
        assertThat(q4k[160]).isEqualTo(0.5f * 33 * 15 - 0.25f * 18);
        assertThat(q4k[64]).isZero();

        // As above; bit 5 of byte 0 of the high bits belongs to element 160.
        byte[] q5kBlock = block("0038 0034 01 80 00 00 02 40 00 00 00 21 00 00 21 00*31 00*128");
        q5kBlock[48] = 0x07;
        q5kBlock[48 + 64] = (byte) 0xf0;
        float[] q5k = decode(DType.Q5_K, q5kBlock);
        assertThat(q5k[0]).isEqualTo(0.5f * 23 - 0.25f * 2);
        assertThat(q5k[160]).isEqualTo(0.5f * 33 * 31 - 0.25f * 18);

        // Element 0: code 0x3f - 32 = 31, scale -2. Element 64: upper half of the same byte, bits 4 and 5 of the high byte.
        byte[] q6kBlock = block("5f 00*127 23 00*63 fe 00 00 00 03 00*11 0038");
        float[] q6k = decode(DType.Q6_K, q6kBlock);
        assertThat(q6k[0]).isEqualTo(0.5f * -2 * 31);
        assertThat(q6k[64]).isEqualTo(0.5f * 3 * (0x25 - 32));
        assertThat(q6k[1]).isEqualTo(0.5f * -2 * -32);
    }

    @Test
    void decodesTables() {
        float[] iq4nl = decode(DType.IQ4_NL, block("0038 f0 88*15"));
        assertThat(iq4nl[0]).isEqualTo(-63.5f);
        assertThat(iq4nl[16]).isEqualTo(56.5f);
        assertThat(iq4nl[1]).isEqualTo(0.5f);

        // Group 1 has scale 0x23 - 32 = 3: 3 in the upper half of byte 0 of the lower bits, 2 in bits 2 and 3 of the upper.
        float[] iq4xs = decode(DType.IQ4_XS, block("0038 0800 30 00*3 00*16 0f 00*15 00*96"));
        assertThat(iq4xs[32]).isEqualTo(0.5f * 3 * 113);
        assertThat(iq4xs[0]).isEqualTo(0.5f * -32 * -127);

        // The scale of exponent 128 is 2.
        float[] mxfp4 = decode(DType.MXFP4, block("80 7f f1 00*14"));
        assertThat(mxfp4[0]).isEqualTo(-12f);
        assertThat(mxfp4[16]).isEqualTo(12f);
        assertThat(mxfp4[1]).isEqualTo(1f);
        assertThat(mxfp4[17]).isEqualTo(-12f);
        assertThat(decode(DType.MXFP4, block("00 04 00*15"))[0]).isEqualTo(0x1p-126f);
        assertThat(decode(DType.MXFP4, block("01 01 00*15"))[0]).isEqualTo(0x1p-127f);
        assertThat(decode(DType.MXFP4, block("ff 02 00*15"))[0]).isEqualTo(Float.POSITIVE_INFINITY);
    }

    @ParameterizedTest
    @MethodSource("blockTypes")
    void agreesWithSlowDecoderToTheBit(DType dtype) {
        // More than one chunk of bytes.
        int columns = dtype.blockSize() * 600;
        WeightData data = RandomWeights.matrix(dtype, 1, columns, new SplittableRandom(SEED));
        float[] out = new float[columns + 2];
        BlockFormats.decode(dtype, data.bytes(), 0, out, 1, columns);
        assertThat(out[0]).isZero();
        assertThat(out[columns + 1]).isZero();
        byte[] block = new byte[dtype.blockBytes()];
        for (int i = 0; i < columns; i++) {
            if (i % dtype.blockSize() == 0) {
                long at = (long) i / dtype.blockSize() * block.length;
                MemorySegment.copy(data.bytes(), ValueLayout.JAVA_BYTE, at, block, 0, block.length);
            }
            float expected = (float) new SlowBlocks(block).element(dtype, i % dtype.blockSize());
            assertThat(out[1 + i]).as("%s, seed %d, element %d", dtype, SEED, i).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @MethodSource("blockTypes")
    void decodesFromAnyBlockOn(DType dtype) {
        WeightData data = RandomWeights.matrix(dtype, 1, dtype.blockSize() * 5, new SplittableRandom(SEED));
        float[] all = new float[data.columns()];
        BlockFormats.decode(dtype, data.bytes(), 0, all, 0, all.length);
        float[] some = new float[2 * dtype.blockSize()];
        BlockFormats.decode(dtype, data.bytes(), 3L * dtype.blockBytes(), some, 0, some.length);
        assertThat(some).isEqualTo(Arrays.copyOfRange(all, 3 * dtype.blockSize(), 5 * dtype.blockSize()));
    }

    @Test
    void refusesWhatIsOutsideBytesOrArray() {
        MemorySegment bytes = MemorySegment.ofArray(new byte[144]);
        assertThatThrownBy(() -> BlockFormats.decode(DType.Q4_K, bytes, 1, new float[256], 0, 256))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> BlockFormats.decode(DType.Q4_K, bytes, 0, new float[255], 0, 256))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> BlockFormats.decode(DType.Q4_K, bytes, 0, new float[256], 0, 128))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("whole number of Q4_K blocks");
        assertThatThrownBy(() -> BlockFormats.decode(DType.I32, bytes, 0, new float[1], 0, 1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
