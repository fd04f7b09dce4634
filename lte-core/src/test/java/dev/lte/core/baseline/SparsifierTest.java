package dev.lte.core.baseline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.PostHocRouting;
import dev.lte.SparsifyOptions;
import dev.lte.SparsifyReport;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SparsifierTest {
    private static final LoadOptions OPTIONS =
            LoadOptions.of(options -> options.backend("reference").contextLength(128));

    @TempDir
    private Path folder;

    private static final Path STORIES = ObservedModel.path("stories260K/stories260K.bin");

    @Test
    void theSparseModelIsTheDenseOneWithPartsLeftOut() {
        Path target = folder.resolve("sparse.gguf");

        SparsifyReport report = Lte.sparsify(
                STORIES, target, SparsifyOptions.of(0.4, options -> options.calibrationTokens(1024)), OPTIONS);

        // The divisors of 172 are 1, 2, 4, 43 ...; 43 would leave four experts.
        assertThat(report.expertSize()).isEqualTo(4);
        assertThat(report.sparsity().mean()).as("on text held out").isCloseTo(0.4, within(0.06));
        assertThat(report.perplexity()).isGreaterThan(report.densePerplexity());
        int[] ids;
        float[][] expected;
        try (Model dense = Lte.load(STORIES, OPTIONS)) {
            ids = dense.tokenizer().encode("Once upon a time, there was a little girl named Lily.");
            expected = dense.logits(ids);
        }
        try (Model sparse = Lte.load(target, OPTIONS)) {
            assertThat(Objects.requireNonNull(sparse.info().routing()).expertSize())
                    .isEqualTo(4);
            float[][] all = sparse.logits(ids, 0.0);
            float[][] routed = sparse.logits(ids);
            for (int i = 0; i < ids.length; i++) {
                // Sums of the same products in another order.
                assertThat(all[i]).containsExactly(expected[i], within(1e-3f));
                assertThat(routed[i]).isNotEqualTo(expected[i]);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = PostHocRouting.Method.class,
            names = {"MOEFICATION", "DEJA_VU", "MAGNITUDE"})
    void aBaselineIsServedAsFarAsLinearRoutersGo(PostHocRouting.Method method) {
        Path target = folder.resolve("baseline.gguf");

        SparsifyReport report = Lte.sparsify(
                STORIES, target, SparsifyOptions.of(0.4, o -> o.method(method).calibrationTokens(2048)), OPTIONS);

        SparsifyReport.Imitated imitated = Objects.requireNonNull(report.imitated());
        assertThat(imitated.method()).isEqualTo(method);
        assertThat(imitated.sparsity()).isCloseTo(0.4, within(0.05));
        assertThat(report.sparsity().mean()).as("on text held out").isCloseTo(0.4, within(0.06));
        // Two rules that have nothing to do with each other agree on 0.4² + 0.6² = 52 %.
        assertThat(imitated.agreement()).isBetween(0.56, 0.99);
        assertThat(imitated.perplexity()).isGreaterThan(report.densePerplexity());
        try (Model sparse = Lte.load(target, OPTIONS)) {
            int[] ids = sparse.tokenizer().encode("Once upon a time, there was a little girl named Lily.");
            assertThat(sparse.logits(ids)[3]).isNotEqualTo(sparse.logits(ids, 0.0)[3]);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = PostHocRouting.Method.class,
            names = {"LARGEST_ACTIVATIONS", "LARGEST_EXPERTS", "NOISY_TOP_K"})
    void whatNoRouterCanStandForIsRefusedWithTheReason(PostHocRouting.Method method) {
        Path target = folder.resolve("baseline.gguf");
        assertThatThrownBy(() -> Lte.sparsify(STORIES, target, SparsifyOptions.of(0.5, o -> o.method(method)), OPTIONS))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("method")
                .hasMessageContaining(method == PostHocRouting.Method.NOISY_TOP_K ? "softmax" : "oracle");
        assertThat(target).doesNotExist();
    }

    @Test
    void whatCannotBeDoneIsRefusedBeforeAnyWork() {
        Path target = folder.resolve("sparse.gguf");
        assertThatThrownBy(() -> Lte.sparsify(
                        STORIES, target, SparsifyOptions.of(0.5, options -> options.expertSize(32)), OPTIONS))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("172");
        assertThatThrownBy(() -> SparsifyOptions.of(1)).isInstanceOf(InvalidRequestException.class);
        assertThat(target).doesNotExist();
    }
}
