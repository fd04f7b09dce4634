package dev.lte.core.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.BackendFailureException;
import dev.lte.Sampling;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final int SIZE = 300;

    /** Which tokens the steps of {@link Sampling} leave, by their definition: everything sorted, cut one after the other. */
    private static List<Integer> kept(float[] logits, Sampling sampling) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double[] weights = new double[logits.length];
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < logits.length; i++) {
            weights[i] = Math.exp((logits[i] - largest) / sampling.temperature());
            ids.add(i);
        }
        ids.sort(Comparator.comparingDouble((Integer id) -> -weights[id]).thenComparingInt(id -> id));
        if (sampling.topK() > 0 && sampling.topK() < ids.size()) {
            ids = ids.subList(0, sampling.topK());
        }
        if (sampling.typicalP() < 1) {
            double total = ids.stream().mapToDouble(id -> weights[id]).sum();
            double entropy = -ids.stream()
                    .mapToDouble(id -> weights[id] / total * Math.log(weights[id] / total))
                    .sum();
            List<Integer> typical = new ArrayList<>(ids);
            typical.sort(Comparator.comparingDouble((Integer id) -> Math.abs(-Math.log(weights[id] / total) - entropy))
                    .thenComparingInt(id -> id));
            double sum = 0;
            Set<Integer> keep = new HashSet<>();
            for (int i = 0; i < typical.size() && (i == 0 || sum < sampling.typicalP() * total); i++) {
                keep.add(typical.get(i));
                sum += weights[typical.get(i)];
            }
            ids = ids.stream().filter(keep::contains).toList();
        }
        if (sampling.topP() < 1) {
            double total = ids.stream().mapToDouble(id -> weights[id]).sum();
            double sum = 0;
            int keep = 0;
            while (keep < ids.size() && sum < sampling.topP() * total) {
                sum += weights[ids.get(keep++)];
            }
            ids = ids.subList(0, Math.max(1, keep));
        }
        double most = ids.stream().mapToDouble(id -> weights[id]).max().orElseThrow();
        return ids.stream().filter(id -> weights[id] >= sampling.minP() * most).toList();
    }

    @Test
    void drawsFromWhatTheStepsLeaveAndReachesAllOfIt() {
        for (long seed = 0; seed < 60; seed++) {
            Random random = new Random(seed);
            float[] logits = new float[SIZE];
            for (int i = 0; i < SIZE; i++) {
                logits[i] = (float) random.nextGaussian() * 2;
            }
            if (seed % 3 == 0) {
                logits[17] = logits[18] = logits[19] = 5; // ties
            }
            Sampling sampling = new Sampling(
                    1,
                    0,
                    0,
                    0.5f + random.nextFloat(),
                    random.nextInt(4) == 0 ? 0 : 1 + random.nextInt(12),
                    random.nextInt(3) == 0 ? 0.1f + 0.8f * random.nextFloat() : 1,
                    random.nextInt(3) == 0 ? 1 : 0.05f + 0.9f * random.nextFloat(),
                    random.nextInt(3) == 0 ? 0 : 0.5f * random.nextFloat(),
                    seed);
            Set<Integer> expected = new HashSet<>(kept(logits, sampling));
            Sampler sampler = new Sampler(sampling);
            Set<Integer> drawn = new HashSet<>();
            for (int i = 0; i < 20_000; i++) {
                drawn.add(sampler.choose(logits.clone(), 0, SIZE));
            }
            assertThat(expected).as("seed %d, %s", seed, sampling).containsAll(drawn);
            if (expected.size() <= 8) {
                // Each has at least about 1 % of the probability, so all appear in 20,000 draws.
                assertThat(drawn).as("seed %d, %s", seed, sampling).isEqualTo(expected);
            }
        }
    }

    @Test
    void frequenciesFollowTheProbabilities() {
        float[] logits = {0, 1, 2, 3};
        Sampler sampler = new Sampler(Sampling.defaults().withTemperature(1).withSeed(11));
        int[] counts = new int[4];
        int draws = 200_000;
        for (int i = 0; i < draws; i++) {
            counts[sampler.choose(logits.clone(), 0, 4)]++;
        }
        double total = 1 + Math.E + Math.exp(2) + Math.exp(3);
        for (int i = 0; i < 4; i++) {
            double expected = Math.exp(i) / total;
            // Five standard deviations of a binomial share.
            double tolerance = 5 * Math.sqrt(expected * (1 - expected) / draws);
            assertThat(counts[i] / (double) draws).isBetween(expected - tolerance, expected + tolerance);
        }
    }

    @Test
    void temperatureZeroTakesTheFirstOfTheLargest() {
        float[] logits = {1, 7, 3, 7, 2};
        assertThat(new Sampler(Sampling.greedy()).choose(logits, 0, 5)).isEqualTo(1);
        assertThat(new Sampler(Sampling.greedy()).choose(logits, 2, 3)).isEqualTo(1);
    }

    @Test
    void theSameSeedDrawsTheSame() {
        float[] logits = new float[SIZE];
        Sampler first = new Sampler(Sampling.defaults().withSeed(3));
        Sampler second = new Sampler(Sampling.defaults().withSeed(3));
        Sampler other = new Sampler(Sampling.defaults().withSeed(4));
        int differences = 0;
        for (int i = 0; i < 100; i++) {
            int id = first.choose(logits.clone(), 0, SIZE);
            assertThat(second.choose(logits.clone(), 0, SIZE)).isEqualTo(id);
            differences += other.choose(logits.clone(), 0, SIZE) == id ? 0 : 1;
        }
        assertThat(differences).isGreaterThan(80);
    }

    @Test
    void repetitionPenaltyChangesEachSeenTokenOnce() {
        Sampler sampler = new Sampler(Sampling.greedy().withRepetitionPenalty(2));
        sampler.accept(1);
        sampler.accept(1);
        sampler.accept(2);
        float[] logits = {1, 3, -1, 0};
        assertThat(sampler.choose(logits, 0, 4)).isEqualTo(1);
        assertThat(logits).containsExactly(1, 1.5f, -2, 0);
    }

    @Test
    void onlyTheLastTokensArePenalised() {
        Sampler sampler = new Sampler(Sampling.greedy().withRepetitionPenalty(2));
        sampler.accept(0);
        for (int i = 0; i < 64; i++) {
            sampler.accept(1);
        }
        float[] logits = {2, 3};
        assertThat(sampler.choose(logits, 0, 2)).isZero();
    }

    @Test
    void logitsThatAreNoNumbersAreATypedError() {
        assertThatThrownBy(() -> new Sampler(Sampling.defaults()).choose(new float[] {1, Float.NaN}, 0, 2))
                .isInstanceOf(BackendFailureException.class)
                .hasMessageContaining("token 1");
    }

    @Test
    void frequencyAndPresencePenaltiesCountGeneratedTokensAlone() {
        Sampler sampler =
                new Sampler(Sampling.greedy().withFrequencyPenalty(0.5f).withPresencePenalty(0.25f));
        sampler.acceptPrompt(3);
        sampler.accept(0);
        sampler.accept(0);
        sampler.accept(1);
        float[] logits = {5, 4, 3, 2};
        sampler.choose(logits, 0, 4);
        assertThat(logits).containsExactly(3.75f, 3.25f, 3, 2);
    }

    @Test
    void biasComesBeforeTheChoice() {
        Sampler sampler = new Sampler(Sampling.greedy(), Map.of(2, 10f, 9999, 1f), -1);
        assertThat(sampler.isPlainArgmax()).isFalse();
        assertThat(sampler.choose(new float[] {5, 4, 3, 2}, 0, 4)).isEqualTo(2);
    }

    @Test
    void onlyAllowedTokensAreChosenWhateverTheSteps() {
        for (long seed = 0; seed < 40; seed++) {
            Random random = new Random(seed);
            long[] allowed = new long[(SIZE + 63) / 64];
            Set<Integer> ids = new HashSet<>();
            for (int i = 0; i < 1 + random.nextInt(5); i++) {
                int id = random.nextInt(SIZE);
                allowed[id >> 6] |= 1L << id;
                ids.add(id);
            }
            Sampler sampler = new Sampler(
                    Sampling.defaults()
                            .withTemperature(random.nextBoolean() ? 0 : 1.5f)
                            .withTopK(random.nextInt(3))
                            .withRepetitionPenalty(1.5f)
                            .withSeed(seed),
                    random.nextBoolean() ? Map.of(5, 100f) : Map.of(),
                    2);
            for (int i = 0; i < 50; i++) {
                float[] logits = new float[SIZE];
                for (int j = 0; j < SIZE; j++) {
                    logits[j] = (float) random.nextGaussian() * 4;
                }
                int id = sampler.choose(logits, 0, SIZE, allowed);
                sampler.accept(id);
                assertThat(ids).as("seed %d", seed).contains(id);
            }
        }
        assertThatThrownBy(() -> new Sampler(Sampling.greedy()).choose(new float[] {1, 2}, 0, 2, new long[1]))
                .isInstanceOf(BackendFailureException.class)
                .hasMessageContaining("response format");
    }

    @Test
    void logProbabilitiesAreThoseOfTheModelBeforeAnyStep() {
        float[] logits = {0, 1, 2, 2};
        Sampler sampler = new Sampler(Sampling.greedy(), Map.of(0, 50f), 3);
        assertThat(sampler.choose(logits.clone(), 0, 4)).isZero();
        double logSum = Math.log(1 + Math.E + 2 * Math.exp(2));
        List<LogProbabilities.Scored> scored = sampler.logProbabilities();
        assertThat(scored).extracting(LogProbabilities.Scored::id).containsExactly(0, 2, 3, 1);
        for (LogProbabilities.Scored token : scored) {
            // Doubles from floats: only rounding of exp and log.
            assertThat(token.logProbability()).isEqualTo(logits[token.id()] - logSum, within(1e-12));
        }
    }
}
