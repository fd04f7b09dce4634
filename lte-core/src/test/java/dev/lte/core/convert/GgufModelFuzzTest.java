package dev.lte.core.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.lte.LteException;
import dev.lte.WeightType;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.source.ModelInspector;
import dev.lte.core.source.ModelSources;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged GGUF models: a file opens, or says in a typed error why not. */
class GgufModelFuzzTest {
    private static final long SEED = 4;

    @TempDir
    private Path directory;

    @Test
    void damagedModelsOpenOrSayWhyNot() throws IOException {
        run(1_500);
    }

    @Test
    @Tag("long")
    void manyDamagedModelsOpenOrSayWhyNot() throws IOException {
        run(100_000);
    }

    private void run(int rounds) throws IOException {
        Path file = directory.resolve("model.gguf");
        SyntheticShape shape = new SyntheticShape("tiny", 32, 64, 2, 4, 2, 512, 64, 10_000, true, false);
        ModelSynthesizer.write(shape, WeightType.Q8_0, 0.5, 1, file, progress -> {});
        byte[] whole = Files.readAllBytes(file);
        // Behind the vocabulary come the names, shapes and offsets of tensors; in front of it the sizes.
        String content = new String(whole, StandardCharsets.ISO_8859_1);
        int vocabulary = content.indexOf("tokenizer.ggml.tokens");
        int tensors = content.lastIndexOf("tokenizer.ggml.");
        int end = content.lastIndexOf("ffn_router.weight") + 100;
        Random random = new Random(SEED);
        int opened = 0;
        for (int round = 0; round < rounds; round++) {
            byte[] damaged = whole.clone();
            for (int i = random.nextInt(3); i >= 0; i--) {
                boolean front = random.nextBoolean();
                int at = front ? random.nextInt(vocabulary) : random.nextInt(tensors, end);
                damaged[at] =
                        (byte) (random.nextBoolean() ? random.nextInt(256) : damaged[at] ^ 1 << random.nextInt(8));
            }
            // A file of its own: one that is mapped must not change.
            Path copy = Files.write(directory.resolve("damaged" + round), damaged);
            opened += open(copy, round) ? 1 : 0;
            Files.delete(copy);
        }
        // Otherwise nothing behind the first check would have been reached.
        assertThat(opened).as("models that open").isBetween(rounds / 50, rounds * 9 / 10);
    }

    private static boolean open(Path file, int round) {
        try {
            ModelInspector.inspect(file);
            try (ModelSource source = ModelSources.open(file)) {
                source.get(WeightRole.DOWN, 0).bytes().toArray(ValueLayout.JAVA_BYTE);
                if (round % 8 == 0) {
                    source.tokenizer();
                }
                return true;
            }
        } catch (LteException expected) {
            assertThat(expected.remedy()).isNotBlank();
            return false;
        } catch (RuntimeException | Error e) {
            return fail("seed " + SEED + ", round " + round, e);
        }
    }
}
