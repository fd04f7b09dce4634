package dev.lte.core.quant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every bit as ggml has it: the checksums are those of what ggml's own dequantize_row and quantize_row_ref functions, as built
 * into the native library of de.kherud:llama:4.1.0 (llama.cpp of March 2025), gave for the same data.
 */
class GgmlChecksumTest {
    private static final long SEED = 20261124;
    private static final int ELEMENTS = 256 * 400;

    /** Random bits, so that scales are infinite or not a number, too; every NaN counts as the same. */
    @ParameterizedTest
    @CsvSource({
        "Q8_0, 33f0e1a4",
        "Q4_0, f155aca0",
        "Q4_1, 54736cb8",
        "Q5_0, 6f246e71",
        "Q5_1, c27e9b12",
        "Q2_K, 9d3562b3",
        "Q3_K, ad46f78b",
        "Q4_K, 5a5b6af9",
        "Q5_K, a332fdc2",
        "Q6_K, fb541812",
        "IQ4_NL, 11c3183a",
        "IQ4_XS, 868084b2"
    })
    void decodesAsGgml(DType dtype, String expected) {
        byte[] bytes = new byte[(int) dtype.byteSize(ELEMENTS)];
        new Random(SEED).nextBytes(bytes);
        float[] out = new float[ELEMENTS];
        BlockFormats.decode(dtype, MemorySegment.ofArray(bytes), 0, out, 0, ELEMENTS);
        CRC32 checksum = new CRC32();
        ByteBuffer bits = ByteBuffer.allocate(Integer.BYTES);
        for (float value : out) {
            bits.putInt(0, Float.floatToIntBits(value));
            checksum.update(bits.array());
        }
        assertThat(Long.toHexString(checksum.getValue())).isEqualTo(expected);
    }

    /** Blocks of normal, of positive, of heavy-tailed and of no values. */
    @ParameterizedTest
    @CsvSource({"Q4_0, 48bf57d3", "Q8_0, 41576289", "Q4_K, 3624df88", "Q6_K, c2ad17f3"})
    void encodesAsGgml(DType dtype, String expected) {
        Random random = new Random(SEED);
        float[] in = new float[ELEMENTS];
        for (int i = 0; i < ELEMENTS; i++) {
            float value = (float) (random.nextGaussian() * 0.05);
            in[i] = switch (i / 256 % 5) {
                case 0 -> Math.abs(value);
                case 1 -> value * value * value * 1000;
                default -> i / 256 % 50 == 7 ? 0 : value;
            };
        }
        byte[] bytes = new byte[(int) dtype.byteSize(ELEMENTS)];
        BlockFormats.encode(dtype, in, 0, ELEMENTS, MemorySegment.ofArray(bytes), 0);
        CRC32 checksum = new CRC32();
        checksum.update(bytes);
        assertThat(Long.toHexString(checksum.getValue())).isEqualTo(expected);
    }
}
