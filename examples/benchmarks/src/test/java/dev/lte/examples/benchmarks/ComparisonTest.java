package dev.lte.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.DType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ComparisonTest {
    @Test
    void comparesMediansWithTheFirstEntrant() {
        List<Speeds> first = List.of(new Speeds(10, 4), new Speeds(30, 2), new Speeds(20, 8));
        List<Speeds> second = List.of(new Speeds(40, 6), new Speeds(50, 6));
        ComparisonRow row = ComparisonRow.of("second", second, first);
        assertThat(row.prompt()).isEqualTo(45);
        assertThat(row.promptRatio()).isEqualTo(2.25);
        assertThat(row.decodeRatio()).isEqualTo(1.5);
    }

    @Test
    void drawsABarForEachEntrant() {
        ComparisonRow row = ComparisonRow.of("a <b>", List.of(new Speeds(1, 2)), List.of(new Speeds(1, 1)));
        assertThat(BarChart.of("decode", List.of(row, row)))
                .contains("a &lt;b&gt;", "2.0 (2.00x)")
                .endsWith("</svg>\n");
    }

    /** That the benchmarks run, once each; how fast is not asserted. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"BF16", "Q4_K"})
    void everyKernelRuns(DType type) {
        try (LayerKernels kernels = new LayerKernels("cpu", type, 2, 1)) {
            kernels.linear();
            kernels.denseFfn();
            kernels.sparseFfn();
            kernels.router();
            kernels.attention();
            kernels.norm();
        }
    }
}
