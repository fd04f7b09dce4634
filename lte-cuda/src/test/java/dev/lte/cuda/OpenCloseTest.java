package dev.lte.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.GenerationRequest;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import java.nio.file.Path;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.SizeTPointer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Closing a model gives the device everything back, by the driver's own figure. */
@Tag("long")
@EnabledIf("dev.lte.cuda.CudaBackendContractTest#isDeviceHere")
class OpenCloseTest {
    /** {@code -Dlte.cycles=N}. */
    private static final int CYCLES = Integer.getInteger("lte.cycles", 100);

    /** Kernels, cuBLAS and the driver keep what the first uses of a process allocate. */
    private static final int WARM_UP = 5;

    private static final Path STORY = Path.of("..", "examples", "models", "tinystories-656k.gguf");

    @Test
    void leavesFreeMemoryAsItWas() {
        for (int i = 0; i < WARM_UP; i++) {
            cycle();
        }
        long before = free();
        for (int i = 0; i < CYCLES; i++) {
            cycle();
        }
        assertThat(free()).as("free bytes after %d cycles", CYCLES).isEqualTo(before);
    }

    private static void cycle() {
        LoadOptions options = LoadOptions.of(load -> load.backend("cuda").maxStreams(2));
        try (Model model = Lte.load(STORY, options)) {
            model.generate(GenerationRequest.of(
                            request -> request.prompt("Once upon a time").maxTokens(8)))
                    .blockLast();
        }
    }

    private static long free() {
        try (SizeTPointer free = new SizeTPointer(1);
                SizeTPointer total = new SizeTPointer(1)) {
            assertThat(cudart.cudaMemGetInfo(free, total)).isZero();
            return free.get();
        }
    }
}
