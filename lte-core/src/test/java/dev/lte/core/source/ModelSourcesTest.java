package dev.lte.core.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.ModelFileInfo;
import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.DType;
import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.gguf.GgufWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

public class ModelSourcesTest {
    private static final int VOCABULARY = 512;

    @TempDir
    private Path directory;

    static Stream<String> withWeights() {
        return Fixtures.withWeights().stream();
    }

    @ParameterizedTest
    @MethodSource("withWeights")
    void checkpointsOfTransformersOpen(String family) {
        try (ModelSource source = ModelSources.open(Fixtures.directory(family))) {
            ModelConfig config = source.config();
            assertThat(source.name()).isEqualTo(family);
            assertThat(config.layers()).hasSize(3);
            assertThat(source.get(WeightRole.DOWN, 2).rows()).isEqualTo(64);
            assertThat(source.get(WeightRole.DOWN, 2).columns()).isEqualTo(192);
            assertThatThrownBy(source::tokenizer).isInstanceOf(UnsupportedModelException.class);
        }
    }

    @Test
    void weightsOfGpt2ComeTransposedAndSplit() throws IOException {
        Path checkpoint = Fixtures.directory("gpt2");
        byte[] file = Files.readAllBytes(checkpoint.resolve("model.safetensors"));
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int header = (int) bytes.getLong(0);
        String json = new String(file, 8, header, StandardCharsets.UTF_8);
        int entry = json.indexOf("\"transformer.h.1.attn.c_attn.weight\"");
        String offsets = json.substring(json.indexOf("\"data_offsets\":[", entry) + 16);
        int start = 8 + header + Integer.parseInt(offsets.substring(0, offsets.indexOf(',')));
        try (ModelSource source = ModelSources.open(checkpoint)) {
            WeightData key = source.get(WeightRole.KEY, 1);
            assertThat(List.of(key.rows(), key.columns())).containsExactly(64, 64);
            for (int row = 0; row < 64; row++) {
                for (int column = 0; column < 64; column++) {
                    float expected = bytes.getFloat(start + 4 * (column * 192 + 64 + row));
                    float found = key.bytes().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * (row * 64 + column));
                    assertThat(found).isEqualTo(expected);
                }
            }
            assertThat(source.get(WeightRole.VALUE_BIAS, 1).columns()).isEqualTo(64);
        }
    }

    @Test
    void closedSourcesDoNotGiveBytes() {
        ModelSource source = ModelSources.open(Fixtures.directory("gpt2"));
        MemorySegment mapped = source.get(WeightRole.TOKEN_EMBEDDING, 0).bytes();
        MemorySegment copied = source.get(WeightRole.UP, 0).bytes();
        source.close();
        source.close();
        assertThatThrownBy(() -> mapped.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> copied.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    /** A llama2.c checkpoint with random weights: dim 32, hidden 48, 2 layers, 4 heads, 2 of them for keys. */
    public static Path llama2c(Path file, boolean shared) throws IOException {
        int[] header = {32, 48, 2, 4, 2, shared ? VOCABULARY : -VOCABULARY, 64};
        int floats = VOCABULARY * 32 // embedding
                + 2 * 32 // attention norms
                + 2 * (32 * 32 + 16 * 32 + 16 * 32 + 32 * 32)
                + 2 * 32 // FFN norms
                + 2 * 3 * 48 * 32
                + 32 // last norm
                + 2 * 64 * 4 // tables of the rotation, which are not used any more
                + (shared ? 0 : VOCABULARY * 32);
        ByteBuffer bytes = ByteBuffer.allocate(28 + 4 * floats).order(ByteOrder.LITTLE_ENDIAN);
        for (int value : header) {
            bytes.putInt(value);
        }
        Random random = new Random(7);
        while (bytes.hasRemaining()) {
            bytes.putFloat((float) random.nextGaussian());
        }
        return Files.write(file, bytes.array());
    }

    @Test
    void llama2cCheckpointsOpenWithTheTokenizerBesideThem() throws IOException {
        Path file = llama2c(directory.resolve("whatever"), true);
        try (ModelSource source = ModelSources.open(file)) {
            ModelConfig config = source.config();
            assertThat(config.vocabulary()).isEqualTo(VOCABULARY);
            assertThat(config.contextLength()).isEqualTo(64);
            assertThat(config.norm().epsilon()).isEqualTo(1e-5f);
            assertThat(config.ropes().getFirst().pairing()).isEqualTo(Pairing.ADJACENT);
            assertThat(source.find(WeightRole.HEAD, 0)).isNull();
            assertThat(source.get(WeightRole.KEY, 1).rows()).isEqualTo(16);
            assertThatThrownBy(source::tokenizer)
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("no tokenizer");
            Files.copy(Fixtures.resource("token/tok512.bin"), directory.resolve("tok512.bin"));
            assertThat(source.tokenizer().encode("Once upon a time")).isNotEmpty();
        }
        Files.copy(Fixtures.resource("token/tok105.model"), directory.resolve("tok105.model"));
        try (ModelSource source = ModelSources.open(file)) {
            assertThatThrownBy(source::tokenizer)
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("tok105.model, tok512.bin");
        }
        Files.move(directory.resolve("tok512.bin"), directory.resolve("tokenizer.bin"));
        assertThat(ModelSources.tokenizer(file).size()).isEqualTo(VOCABULARY);
        Files.delete(directory.resolve("tokenizer.bin"));
        assertThat(ModelSources.tokenizer(file).size()).isEqualTo(105);
    }

    @Test
    void aHeadOfItsOwnIsFoundInLlama2c() throws IOException {
        try (ModelSource source = ModelSources.open(llama2c(directory.resolve("own.bin"), false))) {
            assertThat(source.get(WeightRole.HEAD, 0).rows()).isEqualTo(VOCABULARY);
        }
    }

    @Test
    void whatIsNoModelIsSaidToBeNone() throws IOException {
        Path text = Files.writeString(directory.resolve("model.gguf"), "This is a text that is longer than a header.");
        Path empty = Files.createFile(directory.resolve("empty.bin"));
        for (Path path : List.of(text, empty, directory, directory.resolve("nowhere"))) {
            assertThatThrownBy(() -> ModelSources.open(path))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining(
                            "expected a GGUF file, a llama2.c checkpoint, or a directory with config.json");
        }
        assertThatThrownBy(() -> ModelSources.open(Fixtures.directory("llama2").resolve("model.safetensors")))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("directory");
        Path later = Files.write(
                directory.resolve("later.bin"),
                ByteBuffer.allocate(64)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(0x616b3432)
                        .putInt(2)
                        .array());
        assertThatThrownBy(() -> ModelSources.open(later))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("version 2");
    }

    @Test
    void pickledWeightsAreRefusedByName() throws IOException {
        Files.write(directory.resolve("config.json"), Fixtures.config("llama2"));
        Files.writeString(directory.resolve("pytorch_model.bin"), "pickle");
        assertThatThrownBy(() -> ModelSources.open(directory))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("safetensors");
    }

    @Test
    void aFileThatDoesNotOpenIsClosedAgain() throws IOException {
        Path file = directory.resolve("incomplete.gguf");
        GgufWriter.write(
                file,
                Map.of("general.architecture", "llama"),
                List.of(new GgufWriter.Entry(
                        "token_embd.weight",
                        DType.F32,
                        List.of(1L, 1L),
                        sink -> sink.write(MemorySegment.ofArray(new byte[4])))));
        assertThatThrownBy(() -> ModelSources.open(file)).isInstanceOf(ModelFormatException.class);
        Files.delete(file);
    }

    @Test
    void inspectionShowsWhatAFileSaysOfItself() throws IOException {
        ModelFileInfo hub = ModelInspector.inspect(Fixtures.directory("llama2"));
        assertThat(hub.metadata()).containsEntry("model_type", "\"llama\"").containsEntry("hidden_size", "64");
        assertThat(hub.tensors()).hasSize(30);
        ModelFileInfo vocabulary = ModelInspector.inspect(Fixtures.resource("vocab/ggml-vocab-gpt-2.gguf"));
        assertThat(vocabulary.format()).startsWith("GGUF");
        assertThat(vocabulary.metadata().get("tokenizer.ggml.tokens"))
                .startsWith("[!, \", #")
                .endsWith("... (50257 in all)]")
                .hasSizeLessThan(200);
        ModelFileInfo llama2c = ModelInspector.inspect(llama2c(directory.resolve("a.bin"), true));
        assertThat(llama2c.metadata()).containsEntry("dim", "32").containsEntry("shared_classifier", "true");
        assertThat(llama2c.tensors()).isNotEmpty();
    }
}
