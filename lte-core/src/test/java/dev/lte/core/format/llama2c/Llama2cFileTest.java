package dev.lte.core.format.llama2c;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.core.format.TensorInfo;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class Llama2cFileTest {
    // dim 4, hidden 6, layers 2, heads 2, kvHeads 1, vocab 5, seqLen 3
    private static final int EMBEDDING = 5 * 4;
    private static final int PER_LAYER = 4 + 16 + 8 + 8 + 16 + 4 + 24 + 24 + 24;
    private static final int TABLES = 2 * 3;
    private static final int SHARED = EMBEDDING + 2 * PER_LAYER + 4 + TABLES;

    private static float first(Llama2cFile file, String name) {
        return file.bytes(Objects.requireNonNull(file.find(name), name)).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0);
    }

    @Test
    void namesWeightsLayerByLayer() {
        try (Llama2cFile file = Llama2cBytes.open(Llama2cBytes.of(SHARED, 4, 6, 2, 2, 1, 5, 3))) {
            assertThat(file.header()).isEqualTo(new Llama2cHeader(4, 6, 2, 2, 1, 5, 3, true));
            assertThat(file.header().kvDim()).isEqualTo(2);
            assertThat(file.tensors()).hasSize(1 + 2 * 9 + 3);
            assertThat(file.tensors())
                    .extracting(TensorInfo::name)
                    .startsWith("token_embd.weight", "blk.0.attn_norm.weight");
            assertThat(first(file, "token_embd.weight")).isZero();
            assertThat(first(file, "blk.0.attn_norm.weight")).isEqualTo(20);
            assertThat(first(file, "blk.1.attn_norm.weight")).isEqualTo(24);
            assertThat(first(file, "blk.0.attn_q.weight")).isEqualTo(28);
            assertThat(first(file, "blk.1.attn_q.weight")).isEqualTo(44);
            assertThat(first(file, "blk.0.attn_k.weight")).isEqualTo(60);
            assertThat(first(file, "blk.0.attn_v.weight")).isEqualTo(76);
            assertThat(first(file, "blk.0.attn_output.weight")).isEqualTo(92);
            assertThat(first(file, "blk.0.ffn_norm.weight")).isEqualTo(124);
            assertThat(first(file, "blk.0.ffn_gate.weight")).isEqualTo(132);
            assertThat(first(file, "blk.0.ffn_down.weight")).isEqualTo(180);
            assertThat(first(file, "blk.1.ffn_up.weight")).isEqualTo(252);
            assertThat(first(file, "output_norm.weight")).isEqualTo(276);
            assertThat(first(file, "freq_cis_real")).isEqualTo(280);
            assertThat(first(file, "freq_cis_imag")).isEqualTo(283);
            assertThat(file.find("output.weight")).isNull();
            assertThat(Objects.requireNonNull(file.find("blk.0.attn_k.weight")).shape())
                    .containsExactly(2L, 4L);
            assertThat(Objects.requireNonNull(file.find("blk.0.ffn_down.weight"))
                            .shape())
                    .containsExactly(4L, 6L);
            assertThat(Objects.requireNonNull(file.find("blk.0.ffn_up.weight")).shape())
                    .containsExactly(6L, 4L);
        }
    }

    @Test
    void negativeVocabularyHasItsOwnClassifier() {
        try (Llama2cFile file = Llama2cBytes.open(Llama2cBytes.of(SHARED + EMBEDDING, 4, 6, 2, 2, 1, -5, 3))) {
            assertThat(file.header()).isEqualTo(new Llama2cHeader(4, 6, 2, 2, 1, 5, 3, false));
            assertThat(first(file, "output.weight")).isEqualTo(286);
        }
    }

    @Test
    void readsARealModel() throws Exception {
        Path path = Path.of(Objects.requireNonNull(getClass().getResource("/dev/lte/core/stories260K/stories260K.bin"))
                .toURI());
        try (Llama2cFile file = Llama2cFile.open(path)) {
            assertThat(file.header()).isEqualTo(new Llama2cHeader(64, 172, 5, 8, 4, 512, 512, true));
            assertThat(file.tensors()).hasSize(49);
            TensorInfo last = file.tensors().getLast();
            assertThat(last.offset() + last.bytes()).isEqualTo(1056540);
            // The first row of the tables: cosines and sines of the position 0.
            assertThat(first(file, "freq_cis_real")).isEqualTo(1);
            assertThat(first(file, "freq_cis_imag")).isZero();
        }
    }

    @Test
    void refusesOtherSizes() {
        for (int more : new int[] {-1, 1}) {
            assertThatThrownBy(() -> Llama2cBytes.open(Llama2cBytes.of(SHARED + more, 4, 6, 2, 2, 1, 5, 3)))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContainingAll("test.bin", (28 + 4 * SHARED) + " bytes", "layers=2");
        }
        assertThatThrownBy(() -> Llama2cBytes.open(new byte[27])).isInstanceOf(ModelFormatException.class);
    }

    @Test
    void refusesHeadersThatCannotBe() {
        int[] good = {4, 6, 2, 2, 1, 5, 3};
        for (int i = 0; i < good.length; i++) {
            for (int number : new int[] {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
                int[] header = good.clone();
                header[i] = number;
                assertThatThrownBy(() -> Llama2cBytes.open(Llama2cBytes.of(SHARED, header)))
                        .as("number %d is %d", i, number)
                        .isInstanceOf(ModelFormatException.class);
            }
        }
        for (int[] header : new int[][] {{4, 6, 2, 3, 1, 5, 3}, {4, 6, 2, 4, 1, 5, 3}, {8, 6, 2, 4, 3, 5, 3}}) {
            assertThatThrownBy(() -> Llama2cBytes.open(Llama2cBytes.of(SHARED, header)))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("positive sizes");
        }
    }

    @Test
    void namesLaterVersions() {
        assertThatThrownBy(() -> Llama2cBytes.open(Llama2cBytes.of(60, 0x616b3432, 1, 4, 6, 2, 2, 1)))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("version 1");
    }
}
