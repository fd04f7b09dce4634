package dev.lte.core.format.gguf;

import dev.lte.backend.DType;
import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorBody;
import dev.lte.core.fuzz.TensorFileFuzz;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged GGUF files, made of a real vocabulary and of tensors of every type. */
class GgufFuzzTest {
    private static final long SEED = 1;
    private static final int TOKENS = 1500;

    @TempDir
    private Path directory;

    private static Path vocabulary() {
        try {
            return Path.of(Objects.requireNonNull(
                            GgufFuzzTest.class.getResource("/dev/lte/core/vocab/ggml-vocab-llama-spm.gguf"))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** About 100 KB, half of it before the tensors. */
    private byte[] model() throws IOException {
        Map<String, Object> metadata;
        try (GgufFile vocabulary = GgufFile.open(vocabulary())) {
            metadata = new LinkedHashMap<>(vocabulary.metadata().values());
        }
        metadata.replaceAll((key, value) -> switch (value) {
            case String[] texts -> Arrays.copyOf(texts, TOKENS);
            case float[] numbers -> Arrays.copyOf(numbers, TOKENS);
            case long[] numbers -> Arrays.copyOf(numbers, TOKENS);
            default -> value;
        });
        metadata.put("flags", new boolean[] {true, false, true});
        metadata.put("doubles", new double[] {1, 2});
        metadata.put("large", new long[] {1L << 40});
        metadata.put("many", 1L << 40);
        Random random = new Random(SEED);
        List<GgufWriter.Entry> tensors = new ArrayList<>();
        for (DType dtype : DType.values()) {
            long rows = 4000 / dtype.blockBytes();
            byte[] bytes = new byte[(int) rows * dtype.blockBytes()];
            random.nextBytes(bytes);
            tensors.add(new GgufWriter.Entry(
                    "blk.0." + dtype + ".weight",
                    dtype,
                    List.of(rows, (long) dtype.blockSize()),
                    TensorBody.of(MemorySegment.ofArray(bytes))));
        }
        Path file = directory.resolve("model.gguf");
        GgufWriter.write(file, metadata, tensors);
        return Files.readAllBytes(file);
    }

    /** Reads every value, too. */
    private static GgufFile open(MappedFile bytes) {
        GgufFile file = GgufFile.of(bytes);
        for (Object value : file.metadata().values().values()) {
            if (value instanceof String[] texts) {
                for (String text : texts) {
                    Objects.requireNonNull(text);
                }
            }
            Objects.requireNonNull(value);
        }
        return file;
    }

    private void fuzz(int from, int to) throws IOException {
        byte[] model = model();
        new TensorFileFuzz("GGUF", SEED, GgufFuzzTest::open).run(model, model.length / 2, from, to);
    }

    @Test
    void damagedFilesOpenOrAreRefused() throws IOException {
        fuzz(0, 10_000);
    }

    @Test
    void damagedVocabulariesOpenOrAreRefused() throws IOException {
        byte[] vocabulary = Files.readAllBytes(vocabulary());
        new TensorFileFuzz("vocabulary", SEED, GgufFuzzTest::open).run(vocabulary, 1000, 0, 200);
    }

    @Test
    @Tag("long")
    void aMillionDamagedFilesOpenOrAreRefused() throws IOException {
        fuzz(10_000, 1_010_000);
    }
}
