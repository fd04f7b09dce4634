package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.Classifier.Classification;
import dev.lte.Classifier.TextPair;
import dev.lte.ContextOverflowException;
import dev.lte.InvalidRequestException;
import dev.lte.ModelClosedException;
import dev.lte.ModelInfo;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.KernelQueue;
import dev.lte.core.layer.TransformerLoader;
import dev.lte.core.reference.ReferenceBackendProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LocalClassifierTest {
    private static final int CONTEXT = 128;

    private static LocalClassifier open(RandomModel source, boolean routed) {
        Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
        KernelQueue queue = backend.openQueue();
        TransformerLoader.Loaded loaded =
                TransformerLoader.load(source, backend, queue, CONTEXT, routed, progress -> {});
        ModelInfo info = new ModelInfo(
                "random", "roberta", RandomModel.LAYERS, 32, 96, RandomModel.VOCABULARY, CONTEXT, 0, 0, null, "", "");
        return new LocalClassifier(
                info, source.tokenizer(), "", backend, queue, loaded.transformer(), routed, backend::close);
    }

    private static List<String> texts(int count) {
        Random random = new Random(5);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            texts.add("once there was a cat ".repeat(1 + random.nextInt(3)) + i);
        }
        return texts;
    }

    @Test
    void aBatchGivesWhatEachTextGivesAlone() {
        try (LocalClassifier classifier = open(RandomModel.encoder(1, true), true)) {
            List<String> texts = texts(150); // several passes
            List<Classification> together = classifier.classify(texts);

            assertThat(together).hasSize(texts.size());
            for (int i = 0; i < texts.size(); i++) {
                assertThat(together.get(i))
                        .isEqualTo(classifier.classify(List.of(texts.get(i))).getFirst());
            }
            assertThat(together.stream().map(Classification::label).distinct().count())
                    .isGreaterThan(1);
        }
    }

    @Test
    void probabilitiesAddUpAndTheLabelIsTheLargest() {
        try (LocalClassifier classifier = open(RandomModel.encoder(2, false), false)) {
            assertThat(classifier.labels()).containsExactly("good", "bad", "ugly");
            for (Classification result : classifier.classify(texts(10))) {
                assertThat(result.probabilities().stream().mapToDouble(p -> p).sum())
                        .isBetween(1 - 1e-12, 1 + 1e-12);
                double largest = result.probabilities().stream()
                        .mapToDouble(p -> p)
                        .max()
                        .orElseThrow();
                assertThat(result.probabilities().get(classifier.labels().indexOf(result.label())))
                        .isEqualTo(largest);
                assertThat(result.sparsity().mean()).isZero();
            }
            assertThat(classifier.classify(List.of())).isEmpty();
        }
    }

    @Test
    void pairsAreJoinedByTwoSeparators() {
        try (LocalClassifier classifier = open(RandomModel.encoder(3, false), false)) {
            var tokenizer = RandomModel.vocabulary();
            int separator = tokenizer.metadata().endId();
            List<Integer> ids = new ArrayList<>();
            for (int id : tokenizer.encode("a cat")) {
                ids.add(id);
            }
            ids.add(separator);
            for (int id : tokenizer.encode("a dog", false, false)) {
                ids.add(id);
            }
            ids.add(separator);
            float[] logits = classifier.logits(ids.stream().mapToInt(id -> id).toArray());
            double sum = 0;
            for (float logit : logits) {
                sum += Math.exp(logit);
            }

            List<Double> found = classifier
                    .classifyPairs(List.of(new TextPair("a cat", "a dog")), null)
                    .getFirst()
                    .probabilities();

            for (int i = 0; i < logits.length; i++) {
                assertThat(found.get(i))
                        .isCloseTo(Math.exp(logits[i]) / sum, org.assertj.core.data.Offset.offset(1e-9));
            }
        }
    }

    @Test
    void theThresholdIsADial() {
        try (LocalClassifier classifier = open(RandomModel.encoder(4, true), true)) {
            double before = -1;
            for (double tau : new double[] {0, 0.4, 0.6, 1}) {
                double mean =
                        classifier.classify(texts(5), tau).getFirst().sparsity().mean();
                assertThat(mean).isGreaterThan(before);
                before = mean;
            }
            assertThat(before).isEqualTo(1);
        }
    }

    @Test
    void badInputIsATypedError() {
        LocalClassifier classifier = open(RandomModel.encoder(5, false), false);
        assertThatThrownBy(() -> classifier.classify(List.of("x"), 0.5)).isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> classifier.classify(List.of("cat ".repeat(500))))
                .isInstanceOf(ContextOverflowException.class);
        assertThatThrownBy(() -> classifier.logits(RandomModel.VOCABULARY)).isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(classifier::logits).isInstanceOf(InvalidRequestException.class);
        classifier.close();
        classifier.close();
        assertThatThrownBy(() -> classifier.classify(List.of("x"))).isInstanceOf(ModelClosedException.class);
    }
}
