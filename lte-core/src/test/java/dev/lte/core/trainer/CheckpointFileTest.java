package dev.lte.core.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.LteException;
import dev.lte.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever happens to the bytes of a checkpoint, it is not taken for a sound one. */
class CheckpointFileTest {
    private static final long SEED = 11;

    @TempDir
    static Path folder;

    private static Path file = Path.of("");
    private static byte[] sound = {};

    @BeforeAll
    static void writeOne() throws IOException {
        Path train = SmallRun.data(folder, "train.jsonl", 30, 1);
        Path run = folder.resolve("run");
        SmallRun.run(SmallRun.plan(train, train, run, plan -> {}));
        file = run.resolve("checkpoints/step-000000002.safetensors");
        sound = Files.readAllBytes(file);
        CheckpointFile.open(file).close();
    }

    private static void assertRefused(byte[] bytes, String how) throws IOException {
        Path damaged = Files.write(folder.resolve("damaged.safetensors"), bytes);
        assertThatThrownBy(() -> CheckpointFile.open(damaged).close())
                .as(how)
                .isInstanceOf(LteException.class)
                .hasMessageContaining("damaged.safetensors");
    }

    @Test
    void aFlippedBitAnywhereIsNoticed() throws IOException {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 500; i++) {
            byte[] bytes = sound.clone();
            // Half of them in the header, which is the smaller part.
            int place = random.nextInt(i % 2 == 0 ? 6000 : bytes.length);
            bytes[place] ^= (byte) (1 << random.nextInt(8));
            assertRefused(bytes, "byte " + place + " of " + bytes.length + ", seed " + SEED);
        }
    }

    @Test
    void aFlippedWeightIsNamedWithBothSums() throws IOException {
        byte[] bytes = sound.clone();
        bytes[bytes.length / 2] ^= 1;
        Path damaged = Files.write(folder.resolve("damaged.safetensors"), bytes);
        assertThatThrownBy(() -> CheckpointFile.open(damaged).close())
                .isInstanceOfSatisfying(ModelFormatException.class, failure -> {
                    assertThat(failure.item()).isEqualTo("lte.crc32c");
                    assertThat(failure.offset()).isEqualTo(sound.length - 4);
                    assertThat(failure.found()).isNotEqualTo(failure.expected());
                });
    }

    @Test
    void aFileOfAnotherLengthIsNoticed() throws IOException {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 100; i++) {
            int length = i < 10 ? sound.length - 1 - i : random.nextInt(sound.length);
            assertRefused(Arrays.copyOf(sound, length), "cut at " + length + ", seed " + SEED);
        }
        assertRefused(Arrays.copyOf(sound, sound.length + 4), "four bytes more");
        assertRefused(new byte[0], "no bytes");
    }
}
