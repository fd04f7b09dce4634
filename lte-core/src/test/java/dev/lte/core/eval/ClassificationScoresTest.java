package dev.lte.core.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ClassificationScoresTest {
    private static ClassificationScores of(long[][] counts) {
        ClassificationScores scores = new ClassificationScores(counts.length);
        for (int expected = 0; expected < counts.length; expected++) {
            for (int predicted = 0; predicted < counts.length; predicted++) {
                for (int i = 0; i < counts[expected][predicted]; i++) {
                    scores.add(expected, predicted);
                }
            }
        }
        return scores;
    }

    @Test
    void twoClassesByTheirFormulas() {
        // 90 true negatives, 5 false positives, 1 false negative, 4 true positives.
        ClassificationScores scores = of(new long[][] {{90, 5}, {1, 4}});
        assertThat(scores.examples()).isEqualTo(100);
        assertThat(scores.accuracy()).isCloseTo(0.94, within(1e-12));
        double precision = 4.0 / 9;
        double recall = 4.0 / 5;
        assertThat(scores.f1(1)).isCloseTo(2 * precision * recall / (precision + recall), within(1e-12));
        double matthews = (4.0 * 90 - 5.0 * 1) / Math.sqrt(9.0 * 5.0 * 95.0 * 91.0);
        assertThat(scores.matthews()).isCloseTo(matthews, within(1e-12));
        assertThat(scores.macroF1()).isCloseTo((scores.f1(0) + scores.f1(1)) / 2, within(1e-12));
    }

    @Test
    void threeClassesAsScikitLearnHasThem() {
        // sklearn.metrics.matthews_corrcoef([2, 0, 2, 2, 0, 1], [0, 0, 2, 2, 0, 2]) by its formula.
        ClassificationScores scores = of(new long[][] {{2, 0, 0}, {0, 0, 1}, {1, 0, 2}});
        assertThat(scores.matthews())
                .isCloseTo((4.0 * 6 - (2 * 3 + 0 + 3 * 3)) / Math.sqrt((36 - 14) * (36 - 18)), within(1e-12));
        assertThat(scores.f1(1)).isZero();
    }

    @Test
    void extremes() {
        assertThat(of(new long[][] {{3, 0}, {0, 7}}).matthews()).isCloseTo(1, within(1e-12));
        assertThat(of(new long[][] {{0, 3}, {7, 0}}).matthews()).isCloseTo(-1, within(1e-12));
        assertThat(of(new long[][] {{0, 3}, {0, 7}}).matthews()).isZero();
        ClassificationScores empty = new ClassificationScores(2);
        assertThat(empty.accuracy()).isZero();
        assertThat(empty.matthews()).isZero();
        assertThat(empty.f1(0)).isZero();
    }

    @Test
    void likelihoodIsPerTokenAndPerCharacter() {
        Likelihood likelihood = new Likelihood();
        likelihood.add(12, 4, 20);
        likelihood.add(3, 1, 10);
        assertThat(likelihood.natsPerToken()).isEqualTo(3);
        assertThat(likelihood.natsPerCharacter()).isEqualTo(0.5);
        assertThat(likelihood.perplexity()).isCloseTo(Math.exp(3), within(1e-12));
        assertThat(new Likelihood().natsPerToken()).isNaN();
    }
}
