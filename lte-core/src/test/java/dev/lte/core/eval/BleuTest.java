package dev.lte.core.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.core.io.JsonView;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class BleuTest {
    /** The same arithmetic in double; only the order of the logarithms' sum could differ. */
    private static final double TOLERANCE = 1e-9;

    @TestFactory
    Stream<DynamicTest> equalsSacrebleu() throws IOException {
        JsonView goldens;
        try (InputStream in = Objects.requireNonNull(BleuTest.class.getResourceAsStream("bleu-golden.json"))) {
            goldens = JsonView.parse(in.readAllBytes(), null, "goldens");
        }
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonView golden : goldens.elements()) {
            tests.add(DynamicTest.dynamicTest("corpus " + tests.size(), () -> check(golden)));
        }
        assertThat(tests).hasSize(40);
        return tests.stream();
    }

    private static void check(JsonView golden) {
        Bleu bleu = new Bleu();
        List<JsonView> references = golden.get("references").elements();
        for (JsonView hypothesis : golden.get("hypotheses").elements()) {
            bleu.add(
                    hypothesis.text(),
                    references.removeFirst().elements().stream()
                            .map(JsonView::text)
                            .toList());
        }
        Bleu.Score score = bleu.score();
        assertThat(score.hypothesisLength())
                .isEqualTo(golden.get("hypothesisLength").integer());
        assertThat(score.referenceLength())
                .isEqualTo(golden.get("referenceLength").integer());
        List<JsonView> precisions = golden.get("precisions").elements();
        for (int i = 0; i < 4; i++) {
            assertThat(score.precisions().get(i)).isCloseTo(precisions.get(i).real(), within(TOLERANCE));
        }
        assertThat(score.brevityPenalty())
                .isCloseTo(golden.get("brevityPenalty").real(), within(TOLERANCE));
        assertThat(score.score()).isCloseTo(golden.get("score").real(), within(TOLERANCE));
    }

    @Test
    void equalsTheExamplesOfSacrebleusOwnTests() {
        Bleu bleu = new Bleu();
        bleu.add("The dog bit the man.", List.of("The dog bit the man.", "The dog had bit the man."));
        bleu.add("It wasn't surprising.", List.of("It was not unexpected.", "No one was surprised."));
        bleu.add("The man had just bitten him.", List.of("The man bit him first.", "The man had bitten the dog."));
        assertThat(bleu.score().score()).isCloseTo(48.530827, within(1e-6));

        Bleu smoothed = new Bleu();
        smoothed.add(
                "Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;",
                List.of("producţia de zahăr brut se exprimă în zahăr alb;"));
        assertThat(smoothed.score().score()).isCloseTo(8.493, within(1e-3));
    }

    @Test
    void nothingInCommonScoresZero() {
        Bleu bleu = new Bleu();
        assertThat(bleu.score().score()).isZero();
        bleu.add("this is a cat", List.of("okay thanks"));
        assertThat(bleu.score().score()).isZero();
    }

    @Test
    void emptyReferencesDoNotCount() {
        Bleu bleu = new Bleu();
        bleu.add("one two three four five", List.of("", "one two three four five"));
        assertThat(bleu.score().score()).isCloseTo(100, within(TOLERANCE));
        assertThatThrownBy(() -> bleu.add("word", List.of(""))).isInstanceOf(IllegalArgumentException.class);
    }
}
