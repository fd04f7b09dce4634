package dev.lte.core.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.backend.Activation;
import dev.lte.backend.NormSpec;
import dev.lte.core.arch.ModelConfig;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FlopsPerTokenTest {
    /** The paper prints two decimals. */
    private static final double TOLERANCE = 0.005;

    private static final double G = 1L << 30;

    private static ModelConfig llama7b(ModelConfig.@Nullable Routing routing) {
        return new ModelConfig(
                "llama",
                4096,
                11008,
                32,
                32,
                128,
                32000,
                2048,
                new NormSpec(NormSpec.Kind.RMS, 1e-6f, 0),
                ModelConfig.NormPlacement.BEFORE,
                Activation.SILU,
                true,
                1,
                0,
                List.of(),
                1,
                0,
                0,
                true,
                0,
                List.of(),
                Collections.nCopies(32, new ModelConfig.Layer(0, -1)),
                routing);
    }

    @Test
    void llama7bHasTheNumbersOfThePaper() {
        ModelConfig dense = llama7b(null);
        assertThat(FlopsPerToken.of(dense, 0, false) / G).isCloseTo(12.06, within(TOLERANCE));

        ModelConfig routed = llama7b(new ModelConfig.Routing(32, 0.5f));
        // Table 1: LTE on XSum, E2E and WikiText-103; sparsities follow from the table, rounded to a tenth of a
        // percent.
        assertThat(FlopsPerToken.of(routed, 0.839, true) / G).isCloseTo(5.38, within(2 * TOLERANCE));
        assertThat(FlopsPerToken.of(routed, 0.930, true) / G).isCloseTo(4.65, within(2 * TOLERANCE));
        assertThat(FlopsPerToken.of(routed, 0.689, true) / G).isCloseTo(6.59, within(2 * TOLERANCE));
    }
}
