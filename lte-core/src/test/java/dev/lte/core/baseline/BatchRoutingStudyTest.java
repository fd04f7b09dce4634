package dev.lte.core.baseline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.data.E2eSource;
import dev.lte.core.eval.ScoredSequence;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.token.VocabularyTokenizer;
import dev.lte.core.train.Matrix;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * What a batch reads when its rows agree on experts: one is read if some row wants it strongly (score above {@code read}), and a row
 * runs those of them that it wants (above tau). Compared with rows that choose alone, by likelihood of E2E references
 * ({@code -Dlte.e2e=devset.csv.gz}, {@code -Dlte.e2e.sequences=N}); rows of a batch are tokens of different sequences. Some
 * minutes.
 */
@Tag("long")
@EnabledIfSystemProperty(named = "lte.e2e", matches = ".+")
class BatchRoutingStudyTest {
    private static final Path MODEL = Path.of("..", "examples", "models", "e2e-restaurants.gguf");
    private static final int SEQUENCES = Integer.getInteger("lte.e2e.sequences", 100);
    private static final long SEED = 1;

    /** @param read share of the experts that a batch reads, a mean over batches and layers */
    private record Outcome(double read, double run, double natsPerCharacter) {}

    @Test
    void whatTheBatchWantsStronglyLosesLessThanAHigherThresholdForEveryRow() {
        try (ObservedModel model = new ObservedModel(MODEL, 192);
                Observation observation = new Observation(model.source, model.backend, model.transformer, 192)) {
            List<ScoredSequence> sequences = sequences(model.source.tokenizer());
            for (int batch : new int[] {4, 8, 16}) {
                Outcome own = outcome(observation, sequences, batch, 0.5, 0.5);
                Outcome higher = outcome(observation, sequences, batch, 0.9, 0.9);
                Outcome together = outcome(observation, sequences, batch, 0.5, 0.9);
                System.out.printf(
                        Locale.ROOT,
                        "batch %d, %d sequences: tau 0.5 %s%n  tau 0.9 %s%n  tau 0.5, read 0.9 %s%n",
                        batch,
                        sequences.size(),
                        own,
                        higher,
                        together);
                assertThat(together.read).isLessThan(0.75 * own.read);
                assertThat(together.natsPerCharacter).isLessThan(higher.natsPerCharacter);
            }
        }
    }

    /** One reference for each meaning representation, in an order by lot. */
    private static List<ScoredSequence> sequences(VocabularyTokenizer tokenizer) {
        List<ScoredSequence> all = new ArrayList<>();
        for (E2eSource.Group group : new E2eSource(Path.of(System.getProperty("lte.e2e"))).groups()) {
            int[] prompt = tokenizer.encode(group.prompt(), true, false);
            String reference = group.references().getFirst();
            int[] answer = tokenizer.encode(reference, false, false);
            int[] ids = Arrays.copyOf(prompt, prompt.length + answer.length + 1);
            System.arraycopy(answer, 0, ids, prompt.length, answer.length);
            ids[ids.length - 1] = tokenizer.endOfTextIds().getFirst();
            if (ids.length <= 192) {
                all.add(new ScoredSequence(ids, prompt.length, reference.length()));
            }
        }
        Collections.shuffle(all, new Random(SEED));
        return all.subList(0, Math.min(SEQUENCES, all.size()));
    }

    private static Outcome outcome(
            Observation observation, List<ScoredSequence> sequences, int batch, double tau, double read) {
        ModelConfig config = observation.config();
        Grouping grouping = Grouping.consecutive(config.ffn(), config.routing().expertSize());
        List<LinearScores> routers = IntStream.range(0, config.layers().size())
                .mapToObj(layer -> Matrix.of(observation.source().get(WeightRole.ROUTER, layer)))
                .map(router -> new LinearScores(router.values(), router.columns()))
                .toList();
        LongAdder batches = new LongAdder();
        LongAdder readExperts = new LongAdder();
        LongAdder rows = new LongAdder();
        LongAdder runExperts = new LongAdder();
        double nats = observation
                .run(
                        sequences,
                        activations -> {
                            float[][] scores = scores(routers.get(activations.layer()), activations);
                            // Rows that lie far apart belong to different sequences.
                            int stride = Math.ceilDiv(activations.rows(), batch);
                            for (int first = 0; first < stride; first++) {
                                boolean[] wanted = new boolean[grouping.experts()];
                                for (int row = first; row < activations.rows(); row += stride) {
                                    for (int n = 0; n < wanted.length; n++) {
                                        wanted[n] |= scores[row][n] > read;
                                    }
                                }
                                batches.increment();
                                readExperts.add(count(wanted));
                                for (int row = first; row < activations.rows(); row += stride) {
                                    boolean[] run = wanted.clone();
                                    for (int n = 0; n < run.length; n++) {
                                        run[n] &= scores[row][n] > tau;
                                    }
                                    rows.increment();
                                    runExperts.add(count(run));
                                    activations.keep(row, neurons(run, grouping));
                                }
                            }
                        },
                        done -> {})
                .natsPerCharacter();
        double experts = grouping.experts();
        return new Outcome(
                readExperts.sum() / (batches.sum() * experts), runExperts.sum() / (rows.sum() * experts), nats);
    }

    /** (T, N), sigmoids. */
    private static float[][] scores(LinearScores router, FfnActivations activations) {
        float[][] scores = new float[activations.rows()][];
        activations.forEachRow(row -> {
            float[] logits = router.of(activations, row);
            for (int n = 0; n < logits.length; n++) {
                logits[n] = (float) (1 / (1 + Math.exp(-logits[n])));
            }
            scores[row] = logits;
        });
        return scores;
    }

    private static boolean[] neurons(boolean[] experts, Grouping grouping) {
        boolean[] neurons = new boolean[grouping.ffn()];
        for (int f = 0; f < neurons.length; f++) {
            neurons[f] = experts[grouping.expertOf(f)];
        }
        return neurons;
    }

    private static int count(boolean[] flags) {
        int count = 0;
        for (boolean flag : flags) {
            count += flag ? 1 : 0;
        }
        return count;
    }
}
