package dev.lte.core.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.core.data.LabelledBatch;
import dev.lte.core.data.TextBatch;
import dev.lte.core.train.TrainingBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PassShapeTest {
    private static final int SEED = 3;
    private static final int WIDTH = 40;

    private static TextBatch batch(SplittableRandom random, int sequences) {
        int[] ids = new int[sequences * WIDTH];
        int[] targets = new int[sequences * WIDTH];
        int[] lengths = new int[sequences];
        Arrays.fill(targets, TextBatch.NOT_COUNTED);
        for (int b = 0; b < sequences; b++) {
            lengths[b] = 1 + random.nextInt(WIDTH);
            for (int t = 0; t < lengths[b]; t++) {
                ids[b * WIDTH + t] = random.nextInt(1000);
                targets[b * WIDTH + t] = t % 3 == 0 ? TextBatch.NOT_COUNTED : ids[b * WIDTH + t];
            }
        }
        return new TextBatch(sequences, WIDTH, ids, targets, lengths, 0, 0);
    }

    @Test
    void passesHoldEveryTokenOnceInFewShapes() {
        SplittableRandom random = new SplittableRandom(SEED);
        PassShape shape = PassShape.of(32, WIDTH, 200);
        Set<Integer> rows = new HashSet<>();
        for (int repeat = 0; repeat < 50; repeat++) {
            TextBatch batch = batch(random, 32);
            List<Integer> found = new ArrayList<>();
            double weight = 0;
            for (TrainingBatch pass : shape.passes(batch, 7)) {
                rows.add(pass.rows());
                assertThat(pass.rows()).isLessThanOrEqualTo(200).isLessThan(pass.tokens() + 16);
                assertThat(pass.sequences()).isEqualTo(32);
                for (int t = 0; t < pass.tokens(); t++) {
                    found.add(pass.ids()[t]);
                    weight += pass.weights()[t];
                    assertThat(pass.weights()[t] > 0).isEqualTo(pass.targets()[t] >= 0);
                }
                for (int t = pass.tokens(); t < pass.rows(); t++) {
                    assertThat(pass.targets()[t]).isEqualTo(-1);
                    assertThat(pass.weights()[t]).isZero();
                }
            }
            List<Integer> expected = new ArrayList<>();
            int counted = 0;
            for (int b = 0; b < 32; b++) {
                for (int t = 0; t < batch.lengths()[b]; t++) {
                    expected.add(batch.ids()[b * WIDTH + t]);
                    counted += batch.targets()[b * WIDTH + t] >= 0 ? 1 : 0;
                }
            }
            assertThat(found).as("seed %s, batch %s", SEED, repeat).isEqualTo(expected);
            assertThat(weight).isCloseTo(counted / 7.0, org.assertj.core.api.Assertions.within(1e-4));
        }
        assertThat(rows).hasSizeLessThanOrEqualTo(13);
    }

    @Test
    void classesArePaddedBySequences() {
        PassShape shape = PassShape.of(6, 10, 24);
        LabelledBatch batch =
                new LabelledBatch(5, 10, new int[50], new int[] {10, 3, 10, 10, 4}, new int[] {1, 0, 1, 1, 0});
        List<TrainingBatch> passes = shape.passes(batch, 5);
        assertThat(passes).hasSize(2);
        assertThat(passes.get(0).targets()).containsExactly(1, 0, 1, -1, -1, -1);
        assertThat(passes.get(1).targets()).containsExactly(1, 0, -1, -1, -1, -1);
        assertThat(passes.get(1).starts()).containsExactly(0, 10, 14, 14, 14, 14, 14);
    }
}
