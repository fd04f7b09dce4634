package dev.lte.core.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

class RougeTest {
    private static final double TOLERANCE = 1e-9;

    @Test
    void overlapsAreCountedByHand() {
        Rouge rouge = new Rouge(Stemming.NONE);
        Rouge.Score score = rouge.add("The cat, the hat: testing two", List.of("the CAT and the hat; testing one two"));
        // 6 and 8 words, 6 common; pairs: the cat, the hat, hat testing of 5 and 7; subsequence of 6.
        assertMeasure(score.rouge1(), 6, 6, 8);
        assertMeasure(score.rouge2(), 3, 5, 7);
        assertMeasure(score.rougeL(), 6, 6, 8);
    }

    @Test
    void repeatedWordsCountAsOftenAsTheReferenceHasThem() {
        Rouge.Score score = new Rouge(Stemming.NONE).add("a a a a", List.of("b a a"));
        assertMeasure(score.rouge1(), 2, 4, 3);
        assertMeasure(score.rouge2(), 1, 3, 2);
        assertMeasure(score.rougeL(), 2, 4, 3);
    }

    private static void assertMeasure(Rouge.Measure measure, int common, int hypothesis, int reference) {
        assertThat(measure.precision()).isCloseTo(100.0 * common / hypothesis, within(TOLERANCE));
        assertThat(measure.recall()).isCloseTo(100.0 * common / reference, within(TOLERANCE));
        assertThat(measure.f1()).isCloseTo(200.0 * common / (hypothesis + reference), within(TOLERANCE));
    }

    @Test
    void theBestReferenceOfEachMeasureCounts() {
        // Words in order but apart: all of ROUGE-1, little of ROUGE-2; the second reference is the other way round.
        Rouge.Score score = new Rouge(Stemming.NONE).add("a b c d", List.of("d c b a", "a b x y"));
        assertThat(score.rouge1().f1()).isCloseTo(100, within(TOLERANCE));
        assertMeasure(score.rouge2(), 1, 3, 3);
        assertMeasure(score.rougeL(), 2, 4, 4);
    }

    @Test
    void aCorpusHasTheMeanOfItsExamples() {
        Rouge rouge = new Rouge(Stemming.NONE);
        assertThat(rouge.score().rougeL().f1()).isZero();
        rouge.add("testing two", List.of("testing one two"));
        rouge.add("", List.of("testing one two"));
        assertThat(rouge.score().rougeL().f1()).isCloseTo(40, within(TOLERANCE));
        assertThatThrownBy(() -> rouge.add("x", List.of())).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void stemmingJoinsForms() {
        assertThat(f1(Stemming.NONE, "cats were running", "cat was runs")).isZero();
        // "cats" and "were" have more than three letters and are stemmed, "cat" and "was" are not.
        assertThat(f1(Stemming.PORTER, "cats were running", "cat was runs")).isCloseTo(200.0 / 3, within(TOLERANCE));
        assertThat(f1(Stemming.PORTER, "they said", "they say")).isCloseTo(50, within(TOLERANCE));
        assertThat(f1(Stemming.ROUGE_155, "they said", "they say")).isCloseTo(100, within(TOLERANCE));
        assertThat(f1(Stemming.ROUGE_155, "cats were running", "cat was runs")).isCloseTo(200.0 / 3, within(TOLERANCE));
    }

    private static double f1(Stemming stemming, String hypothesis, String reference) {
        return new Rouge(stemming).add(hypothesis, List.of(reference)).rouge1().f1();
    }

    /** {@code -Dlte.xsum=DIR}: outputs of five systems for XSum's test set and their published scores by ROUGE-1.5.5 -m. */
    @TestFactory
    @EnabledIfSystemProperty(named = "lte.xsum", matches = ".+")
    Stream<DynamicTest> publishedScoresOfFiveSystemsAreReproduced() throws IOException {
        Path folder = Path.of(System.getProperty("lte.xsum"));
        List<String> gold = lines(folder.resolve("gold-test-sentences.txt.gz"));
        return Stream.of("convs2s", "ext-oracle", "lead", "ptgen", "topic-convs2s")
                .map(system -> DynamicTest.dynamicTest(system, () -> {
                    List<String> outputs = lines(folder.resolve(system + "-test-output.txt.gz"));
                    assertThat(outputs).hasSameSizeAs(gold);
                    Rouge rouge = new Rouge(Stemming.ROUGE_155);
                    for (int i = 0; i < gold.size(); i++) {
                        rouge.add(outputs.get(i), List.of(gold.get(i)));
                    }
                    Rouge.Score score = rouge.score();
                    List<String> published = Files.readAllLines(folder.resolve(system + "-test-output.rouge"));
                    // Two digits are published, and the list of irregular forms is of another version of WordNet.
                    assertPublished(
                            published.get(0),
                            score.rouge1().f1(),
                            score.rouge2().f1(),
                            score.rougeL().f1());
                    assertPublished(
                            published.get(1),
                            score.rouge1().precision(),
                            score.rouge2().precision(),
                            score.rougeL().precision());
                    assertPublished(
                            published.get(2),
                            score.rouge1().recall(),
                            score.rouge2().recall(),
                            score.rougeL().recall());
                }));
    }

    private static void assertPublished(String line, double one, double two, double longest) {
        String[] values = line.substring(line.lastIndexOf(' ') + 1).split("/");
        assertThat(one).isCloseTo(Double.parseDouble(values[0]), within(0.015));
        assertThat(two).isCloseTo(Double.parseDouble(values[1]), within(0.015));
        assertThat(longest).isCloseTo(Double.parseDouble(values[3]), within(0.015));
    }

    private static List<String> lines(Path file) throws IOException {
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
            return reader.lines().toList();
        }
    }
}
