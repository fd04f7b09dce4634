package dev.lte.core.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.InvalidRequestException;
import dev.lte.core.sparse.Grouping;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CalibrationTest {
    private static final long SEED = 13;

    @Test
    void thresholdsAreQuantilesOfMagnitudes() {
        SplittableRandom random = new SplittableRandom(SEED);
        float[] values = new float[200_000];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * Math.exp(2 * random.nextGaussian()));
        }
        MagnitudeHistogram whole = new MagnitudeHistogram();
        whole.add(Arrays.copyOf(values, 50_000));
        MagnitudeHistogram rest = new MagnitudeHistogram();
        rest.add(Arrays.copyOfRange(values, 50_000, values.length));
        whole.add(rest);
        float[] sorted = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            sorted[i] = Math.abs(values[i]);
        }
        Arrays.sort(sorted);
        for (double share : new double[] {0.01, 0.25, 0.5, 0.7, 0.9, 0.999}) {
            float exact = sorted[(int) (share * sorted.length)];
            float threshold = whole.threshold(share);
            // Bins are up to 1/128 wide.
            assertThat(threshold).as("share %s, seed %d", share, SEED).isCloseTo(exact, within(exact / 128));
            assertThat(whole.shareBelow(threshold)).isCloseTo(share, within(1e-6));
        }
        assertThat(whole.threshold(0)).isZero();
        assertThat(whole.threshold(1)).isGreaterThanOrEqualTo(sorted[sorted.length - 1]);
        assertThat(whole.total()).isEqualTo(values.length);
    }

    @Test
    void reluHasManyZeros() {
        MagnitudeHistogram histogram = new MagnitudeHistogram();
        histogram.add(new float[] {0, -0f, 0, 0, 1, 2, 4, 8});
        assertThat(histogram.threshold(0.25)).isLessThan(1e-30f);
        assertThat(histogram.threshold(0.75)).isCloseTo(2, within(0.02f));
        assertThatThrownBy(() -> histogram.add(Float.NaN)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new MagnitudeHistogram().threshold(0.5)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void sparsityGoesWhereItCostsLeast() {
        double[] levels = {0, 0.25, 0.5, 0.75};
        // The second part is half as sensitive, the third very much more; the fourth does half the work.
        double[][] errors = {{0, 1, 4, 9}, {0, 0.5, 2, 4.5}, {0, 100, 200, 300}, {0, 1, 4, 9}};
        double[] work = {2, 2, 2, 1};
        assertThat(SparsityAllocation.greedy(errors, levels, work, 0)).containsExactly(0, 0, 0, 0);
        assertThat(SparsityAllocation.greedy(errors, levels, work, 0.5 / 7)).containsExactly(0, 1, 0, 0);
        assertThat(SparsityAllocation.greedy(errors, levels, work, 1.0 / 7)).containsExactly(1, 1, 0, 0);
        assertThat(SparsityAllocation.greedy(errors, levels, work, 0.75)).containsExactly(3, 3, 3, 3);
        assertThatThrownBy(() -> SparsityAllocation.greedy(errors, levels, work, 0.8))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("0 to 0.75");
    }

    @Test
    void convexErrorsAreDividedOptimally() {
        SplittableRandom random = new SplittableRandom(SEED);
        double[] levels = {0, 0.2, 0.4, 0.6, 0.8};
        for (int trial = 0; trial < 20; trial++) {
            double[][] errors = new double[4][5];
            for (double[] error : errors) {
                double slope = 0;
                for (int level = 1; level < 5; level++) {
                    slope += random.nextDouble();
                    error[level] = error[level - 1] + slope;
                }
            }
            int[] chosen = SparsityAllocation.greedy(errors, levels, new double[] {1, 1, 1, 1}, 0.4);
            assertThat(Arrays.stream(chosen).sum()).isEqualTo(8);
            assertThat(error(errors, chosen)).isCloseTo(least(errors, 0, 8), within(1e-9));
        }
    }

    private static double error(double[][] errors, int[] chosen) {
        double sum = 0;
        for (int part = 0; part < chosen.length; part++) {
            sum += errors[part][chosen[part]];
        }
        return sum;
    }

    private static double least(double[][] errors, int part, int left) {
        if (part == errors.length) {
            return left == 0 ? 0 : Double.POSITIVE_INFINITY;
        }
        double least = Double.POSITIVE_INFINITY;
        for (int level = 0; level <= Math.min(left, 4); level++) {
            least = Math.min(least, errors[part][level] + least(errors, part + 1, left - level));
        }
        return least;
    }

    @Test
    void expertsScoreByTheirNeurons() {
        Grouping grouping = Grouping.of(new int[] {0, 1, 0, 1}, 2);
        float[] activations = {1, -2, -3, 4};
        assertThat(new ExpertScores(grouping, null).of(activations)).containsExactly(4, 6);
        assertThat(new ExpertScores(grouping, new float[] {2, 1, 1, 0}).of(activations))
                .containsExactly(5, 2);
        assertThatThrownBy(() -> new ExpertScores(grouping, new float[3])).hasMessageContaining("expected 4 weights");
    }

    @Test
    void theGreatestAreKept() {
        assertThat(ExpertScores.greatest(new float[] {1, 3, 2, 3, 0}, 2))
                .containsExactly(false, true, false, true, false);
        assertThat(ExpertScores.greatest(new float[] {1, 1, 2, 1}, 3)).containsExactly(true, true, true, false);
        assertThat(ExpertScores.greatest(new float[] {1, 2}, 0)).containsExactly(false, false);
        assertThatThrownBy(() -> ExpertScores.greatest(new float[] {1}, 2)).hasMessageContaining("2 greatest of 1");
    }

    @Test
    void everyTokenHasTheSameChance() {
        int[] kept = new int[100];
        for (int seed = 0; seed < 2000; seed++) {
            RouterSample sample = new RouterSample(1, 1, 10, seed);
            for (int token = 0; token < 100; token++) {
                sample.add(new float[] {token}, new float[] {1});
            }
            assertThat(sample.size()).isEqualTo(10);
            for (int i = 0; i < 10; i++) {
                kept[(int) sample.input(i)[0]]++;
            }
        }
        // 200 expected of 2000 draws with p = 0.1: sd 13.4; five of them leave a chance of 1 in 20,000 over 100 tokens.
        assertThat(kept).satisfies(counts -> {
            for (int count : counts) {
                assertThat(count).isBetween(133, 267);
            }
        });
    }

    /** FFN of random experts that fire along their own directions: the router finds them from unseen inputs. */
    @Test
    void regressionPredictsWhichExpertsRun() {
        SplittableRandom random = new SplittableRandom(SEED);
        int model = 32;
        int experts = 12;
        float[][] directions = new float[experts][model];
        for (float[] direction : directions) {
            for (int d = 1; d < model; d++) {
                direction[d] = (float) random.nextGaussian();
            }
        }
        RouterSample sample = new RouterSample(model, experts, 1500, SEED);
        RouterSample unseen = new RouterSample(model, experts, 500, SEED);
        for (int token = 0; token < 2000; token++) {
            float[] input = new float[model];
            input[0] = 3;
            for (int d = 1; d < model; d++) {
                input[d] = (float) random.nextGaussian();
            }
            float[] scores = new float[experts];
            for (int n = 0; n < experts; n++) {
                double sum = 0;
                for (int d = 0; d < model; d++) {
                    sum += directions[n][d] * input[d];
                }
                scores[n] = (float) Math.exp(sum / Math.sqrt(model) + 0.3 * random.nextGaussian());
            }
            (token < 1500 ? sample : unseen).add(input, scores);
        }
        float threshold = sample.threshold(0.7);
        float[] router = RouterRegression.fit(sample, threshold, 0.01);
        int right = 0;
        int off = 0;
        for (int i = 0; i < unseen.size(); i++) {
            for (int n = 0; n < experts; n++) {
                double logit = 0;
                for (int d = 0; d < model; d++) {
                    logit += router[n * model + d] * unseen.input(i)[d];
                }
                right += logit > 0 == unseen.scores(i)[n] > threshold ? 1 : 0;
                off += logit > 0 ? 0 : 1;
            }
        }
        double pairs = unseen.size() * (double) experts;
        // Scores are noisy, so not all can be right; a router that switches everything off would be right in 70 %.
        assertThat(right / pairs).as("seed %d", SEED).isGreaterThan(0.88);
        assertThat(off / pairs).isCloseTo(0.7, within(0.05));
    }

    @Test
    void regressionSolvesItsNormalEquations() {
        SplittableRandom random = new SplittableRandom(SEED);
        RouterSample sample = new RouterSample(5, 2, 41, SEED);
        for (int token = 0; token < 41; token++) {
            float[] input = new float[5];
            for (int d = 0; d < 5; d++) {
                input[d] = (float) random.nextGaussian();
            }
            sample.add(input, new float[] {random.nextFloat() + 0.1f, random.nextFloat() + 0.1f});
        }
        float[] router = RouterRegression.fit(sample, 0.5f, 1e-9);
        for (int n = 0; n < 2; n++) {
            for (int d = 0; d < 5; d++) {
                double residual = 0;
                for (int i = 0; i < 41; i++) {
                    double error = -Math.log(sample.scores(i)[n] / 0.5f);
                    for (int k = 0; k < 5; k++) {
                        error += router[n * 5 + k] * sample.input(i)[k];
                    }
                    residual += error * sample.input(i)[d];
                }
                // Weights are rounded to float.
                assertThat(residual).isCloseTo(0, within(1e-4));
            }
        }
        assertThatThrownBy(() -> RouterRegression.fit(sample, 0, 0.01)).isInstanceOf(InvalidRequestException.class);
        RouterSample empty = new RouterSample(5, 2, 40, SEED);
        assertThatThrownBy(() -> RouterRegression.fit(empty, 1, 0.01)).hasMessageContaining("at least one token");
    }

    @Test
    void routersFittedToASparsityHaveIt() {
        SplittableRandom random = new SplittableRandom(SEED);
        RouterSample sample = linearSample(random, 600);
        for (double sparsity : new double[] {0, 0.3, 0.77, 0.95, 1}) {
            float[] router = RouterRegression.fitTo(sample, sparsity, 0.01);
            float[] moved = RouterRegression.shifted(sample, router, 0.5, 0.01);
            // One pair of 600 x 6, and pairs at the border whose float logits have the other sign.
            assertThat(off(sample, router)).as("seed %d", SEED).isCloseTo(sparsity, within(2e-3));
            assertThat(off(sample, moved)).isCloseTo(0.5, within(2e-3));
        }
    }

    /** Scores whose logarithms are linear in the inputs, the first of which is always 1. */
    private static RouterSample linearSample(SplittableRandom random, int tokens) {
        int model = 5;
        int experts = 6;
        float[][] weights = new float[experts][model];
        for (float[] row : weights) {
            for (int d = 0; d < model; d++) {
                row[d] = (float) random.nextGaussian();
            }
        }
        RouterSample sample = new RouterSample(model, experts, tokens, SEED);
        for (int t = 0; t < tokens; t++) {
            float[] x = new float[model];
            x[0] = 1;
            for (int d = 1; d < model; d++) {
                x[d] = (float) random.nextGaussian();
            }
            float[] scores = new float[experts];
            for (int n = 0; n < experts; n++) {
                double log = 0.3 * random.nextGaussian();
                for (int d = 0; d < model; d++) {
                    log += weights[n][d] * x[d];
                }
                scores[n] = (float) Math.exp(log);
            }
            sample.add(x, scores);
        }
        return sample;
    }

    private static double off(RouterSample sample, float[] router) {
        int off = 0;
        for (int t = 0; t < sample.size(); t++) {
            for (int n = 0; n < sample.experts(); n++) {
                float logit = 0;
                for (int d = 0; d < sample.model(); d++) {
                    logit += router[n * sample.model() + d] * sample.input(t)[d];
                }
                off += logit > 0 ? 0 : 1;
            }
        }
        return off / (double) (sample.size() * sample.experts());
    }

    @Test
    void aPredictorOfLowRankKeepsTheDirectionsThatVaryMost() {
        SplittableRandom random = new SplittableRandom(SEED);
        RouterSample sample = linearSample(random, 300);
        int units = 40;
        int model = sample.model();
        float[] planted = new float[units * model];
        float[] strong = new float[units];
        for (int u = 0; u < units; u++) {
            strong[u] = (float) random.nextGaussian();
            for (int d = 0; d < model; d++) {
                planted[u * model + d] = strong[u] * (d + 1) + (float) (0.01 * random.nextGaussian());
            }
        }
        float[] one = LowRank.of(planted, sample, 1, SEED);
        for (int u = 0; u < units; u++) {
            for (int d = 0; d < model; d++) {
                // What the noise adds, five deviations.
                assertThat(one[u * model + d]).isCloseTo(planted[u * model + d], within(0.05f));
            }
        }
        // All directions: nothing is lost but rounding.
        assertThat(LowRank.of(planted, sample, model, SEED)).containsExactly(planted, within(1e-4f));
        // Rank 1: every row is a multiple of the first.
        float ratio = one[model] / one[0];
        for (int d = 0; d < model; d++) {
            assertThat(one[model + d]).isCloseTo(ratio * one[d], within(1e-3f));
        }
    }
}
