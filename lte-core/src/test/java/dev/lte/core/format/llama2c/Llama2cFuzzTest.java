package dev.lte.core.format.llama2c;

import dev.lte.core.fuzz.TensorFileFuzz;
import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Damaged checkpoints. Most open, because all but 28 bytes are weights. */
class Llama2cFuzzTest {
    private static final long SEED = 3;
    private static final int FLOATS = 5 * 4 + 2 * 128 + 4 + 6;

    private static void fuzz(int from, int to) {
        byte[] model = Llama2cBytes.of(FLOATS, 4, 6, 2, 2, 1, 5, 3);
        new TensorFileFuzz("llama2.c", SEED, Llama2cFile::of).run(model, 32, from, to);
    }

    @Test
    void damagedFilesOpenOrAreRefused() throws IOException {
        fuzz(0, 20_000);
    }

    @Test
    @Tag("long")
    void aMillionDamagedFilesOpenOrAreRefused() {
        fuzz(20_000, 1_020_000);
    }
}
