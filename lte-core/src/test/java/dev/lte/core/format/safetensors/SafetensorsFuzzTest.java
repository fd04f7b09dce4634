package dev.lte.core.format.safetensors;

import dev.lte.LteException;
import dev.lte.core.fuzz.Mutations;
import dev.lte.core.fuzz.TensorFileFuzz;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged safetensors files and indexes. */
class SafetensorsFuzzTest {
    private static final long SEED = 2;

    @TempDir
    private Path directory;

    private static void fuzz(int from, int to) throws IOException {
        byte[] model = model();
        int head =
                8 + (int) ByteBuffer.wrap(model).order(ByteOrder.LITTLE_ENDIAN).getLong();
        new TensorFileFuzz("safetensors", SEED, SafetensorsFile::of).run(model, head, from, to);
    }

    private static byte[] model() throws IOException {
        try {
            return Files.readAllBytes(Path.of(Objects.requireNonNull(SafetensorsFuzzTest.class.getResource(
                            "/dev/lte/core/fixtures/hf/llama3/golden.safetensors"))
                    .toURI()));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void damagedFilesOpenOrAreRefused() throws IOException {
        fuzz(0, 5_000);
    }

    @Test
    @Tag("long")
    void aMillionDamagedFilesOpenOrAreRefused() throws IOException {
        fuzz(5_000, 1_005_000);
    }

    @Test
    void damagedIndexesOpenOrAreRefused() throws IOException {
        Files.write(
                directory.resolve("a"),
                SafetensorsBytes.of("{'x':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}", new byte[4]));
        Files.write(
                directory.resolve("b"),
                SafetensorsBytes.of("{'y':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}", new byte[4]));
        byte[] index = "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"x\":\"a\",\"y\":\"b\"}}"
                .getBytes(StandardCharsets.UTF_8);
        Mutations mutations = new Mutations(index, index.length, SEED);
        for (int number = 0; number < 1000; number++) {
            Files.write(directory.resolve(SafetensorsFile.INDEX), mutations.get(number));
            try {
                SafetensorsFile.open(directory).close();
            } catch (LteException | UncheckedIOException expected) {
                // Damaged, or a name of no file.
            } catch (RuntimeException e) {
                throw new AssertionError("index, seed " + SEED + ", mutation " + number, e);
            }
        }
    }
}
