package dev.lte.core.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.Classifier;
import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.WeightType;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.convert.ModelConverter;
import dev.lte.core.engine.RandomModel;
import dev.lte.core.source.WeightShapes;
import dev.lte.core.train.Matrix;
import dev.lte.core.train.WeightValues;
import dev.lte.train.Recipe;
import dev.lte.train.Stage;
import dev.lte.train.StartingPoint;
import dev.lte.train.TrainingData;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A RoBERTa-type classifier with random weights learns a rule about pairs of texts, then routing. */
class ClassifierTrainingTest {
    private static final List<String> LABELS = List.of("entailment", "neutral", "contradiction");

    @TempDir
    Path temporary;

    private Path model = Path.of("");

    @BeforeEach
    void model() {
        model = temporary.resolve("classifier.gguf");
        RandomModel random = RandomModel.encoder(1, false);
        WeightValues weights = WeightValues.of(random);
        WeightValues complete = (role, layer) -> {
            Matrix weight = weights.find(role, layer);
            return weight != null || !role.name().endsWith("_BIAS") || role == WeightRole.FINAL_NORM_BIAS
                    ? weight
                    : zeros(role, random.config());
        };
        TrainedSource source =
                new TrainedSource(model, "random", random.config(), random.tokenizer(), null, Map.of(), complete);
        ModelConverter.convert(source, model, WeightType.F32, progress -> {});
    }

    private static Matrix zeros(WeightRole role, ModelConfig config) {
        int columns = Math.toIntExact(WeightShapes.of(role, config).get(1));
        return new Matrix(1, columns, new float[columns]);
    }

    /** The class is the first letter of the first text. */
    private Path pairs(String name, int count, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        List<String> lines = new ArrayList<>(List.of("sentence1\tsentence2\tgold_label"));
        for (int i = 0; i < count; i++) {
            int label = random.nextInt(3);
            lines.add("xyz".charAt(label) + " " + (char) ('a' + random.nextInt(20)) + "\t"
                    + (char) ('a' + random.nextInt(20)) + "\t" + LABELS.get(label));
        }
        return Files.write(temporary.resolve(name), lines);
    }

    @Test
    void learnsARuleDenseAndRouted() throws IOException {
        Path train = pairs("train.tsv", 300, 1);
        Path development = pairs("dev.tsv", 60, 2);
        List<TrainingEvent> events = SmallRun.run(TrainingPlan.of(p -> p.start(new StartingPoint.ExistingModel(model))
                .data(TrainingData.of(TrainingData.Format.TSV, train).development(development))
                .folder(temporary.resolve("run"))
                .maxTokens(16)
                .tokensPerPass(64)
                .stage(Stage.dense(s -> s.steps(40).batch(8).rate(3e-3)))
                .stage(Stage.learned(
                        Recipe.STRAIGHT_THROUGH,
                        s -> s.steps(6).batch(8).rate(1e-3).eta(0.3)))
                .stage(Stage.hard(s -> s.steps(6).batch(8).rate(1e-3)))));
        List<TrainingEvent.Evaluated> evaluations = events.stream()
                .filter(TrainingEvent.Evaluated.class::isInstance)
                .map(TrainingEvent.Evaluated.class::cast)
                .toList();
        assertThat(evaluations).hasSize(3);
        // A third would be chance.
        assertThat(Objects.requireNonNull(evaluations.getFirst().accuracy())).isGreaterThan(0.8);
        assertThat(Objects.requireNonNull(evaluations.getLast().accuracy())).isGreaterThan(0.8);
        assertThat(evaluations.getLast().natsPerCharacter()).isZero();
        TrainingEvent.Completed completed = (TrainingEvent.Completed) events.getLast();
        try (Classifier classifier =
                Lte.loadClassifier(completed.model(), LoadOptions.of(o -> o.backend("reference")))) {
            assertThat(classifier.info().routing()).isNotNull();
        }
    }

    @Test
    void textIsNoDataForAClassifier() throws IOException {
        Path text = Files.writeString(temporary.resolve("text.txt"), "some text");
        TrainingPlan plan = TrainingPlan.of(p -> p.start(new StartingPoint.ExistingModel(model))
                .data(TrainingData.of(TrainingData.Format.TEXT, text))
                .folder(temporary.resolve("run"))
                .maxTokens(16)
                .stage(Stage.dense(s -> s.steps(1))));
        assertThatThrownBy(() -> SmallRun.run(plan))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("texts with classes");
    }
}
