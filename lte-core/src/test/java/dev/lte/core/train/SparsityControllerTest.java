package dev.lte.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.InvalidRequestException;
import dev.lte.train.Decay;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SparsityControllerTest {
    private static final long SEED = 7;
    private static final double[] TARGETS = {0.3, 0.5, 0.7, 0.85};

    /** The model's side of the loop: eta of a step to the sparsity measured after it. */
    private static double settle(double target, int steps, DoubleUnaryOperator plant) {
        SparsityController controller =
                new SparsityController(SparsityController.Options.target(target, (long) (0.8 * steps)));
        double last = 0;
        int tail = 0;
        for (int step = 0; step < steps; step++) {
            double sparsity = plant.applyAsDouble(controller.eta());
            if (step < 0.8 * steps) {
                controller.observe(sparsity);
            }
            if (step >= 0.95 * steps) {
                last += sparsity;
                tail++;
            }
        }
        return last / tail;
    }

    /**
     * Routers in small: expert i is worth b_i (log-normal), its logit follows Adam on {@code -b_i G + eta G^2} with noise, tokens
     * see it with noise, the rate follows warm-up and cosine. Sparsity then cannot move faster than Adam.
     */
    private static DoubleUnaryOperator routers(int steps, double rate, double center, double spread) {
        SplittableRandom random = new SplittableRandom(SEED);
        int experts = 144;
        double[] worth = new double[experts];
        double[] logit = new double[experts];
        double[] mean = new double[experts];
        double[] square = new double[experts];
        for (int i = 0; i < experts; i++) {
            worth[i] = center * Math.exp(spread * random.nextGaussian());
            logit[i] = 0.3 * random.nextGaussian();
        }
        Schedule rates = new Schedule.Warmup(rate, 0.06, Decay.COSINE);
        int[] step = {0};
        return eta -> {
            int t = ++step[0];
            int off = 0;
            for (int i = 0; i < experts; i++) {
                double score = 1 / (1 + Math.exp(-logit[i]));
                double noisy = worth[i] * Math.exp(random.nextGaussian());
                double gradient = (2 * eta * score - noisy) * score * (1 - score);
                mean[i] = 0.9 * mean[i] + 0.1 * gradient;
                square[i] = 0.999 * square[i] + 0.001 * gradient * gradient;
                double corrected = mean[i] / (1 - Math.pow(0.9, t));
                logit[i] -=
                        rates.at(t - 1, steps) * corrected / (Math.sqrt(square[i] / (1 - Math.pow(0.999, t))) + 1e-8);
                for (int token = 0; token < 8; token++) {
                    off += logit[i] + 0.7 * random.nextGaussian() <= 0 ? 1 : 0;
                }
            }
            return off / (8.0 * experts);
        };
    }

    @ParameterizedTest
    @CsvSource({
        "500, 0.03, 0.05, 1", "500, 0.03, 0.5, 1", "500, 0.03, 3, 0.3", "500, 0.01, 0.5, 0.3",
        "2000, 0.01, 0.05, 0.3", "2000, 0.01, 0.5, 1", "2000, 0.01, 3, 1", "2000, 0.03, 0.5, 2"
    })
    void targetsAreReachedWithinThreePointsOnRouters(int steps, double rate, double center, double spread) {
        for (double target : TARGETS) {
            assertThat(settle(target, steps, routers(steps, rate, center, spread)))
                    .as("target %s, seed %d", target, SEED)
                    .isCloseTo(target, within(0.03));
        }
    }

    /** Sparsity that follows a logistic function of log eta after a delay and a lag, measured with noise. */
    private static DoubleUnaryOperator lag(double constant, double slope, double middle, int delay, double noise) {
        SplittableRandom random = new SplittableRandom(SEED);
        double[] waiting = new double[delay];
        int[] step = {0};
        double[] sparsity = {0.5};
        return eta -> {
            double seen = step[0] < delay ? 0.3 : waiting[step[0] % delay];
            waiting[step[0]++ % delay] = eta;
            double end = 1 / (1 + Math.exp(-slope * (Math.log(seen) - middle)));
            sparsity[0] += (end - sparsity[0]) / constant;
            return Math.clamp(sparsity[0] + noise * random.nextGaussian(), 0, 1);
        };
    }

    @ParameterizedTest
    @CsvSource({
        "10, 1, 0, 1, 0.05",
        "10, 3, -3, 20, 0.05",
        "50, 1, 2, 20, 0.02",
        "50, 3, 0, 20, 0.05",
        "150, 1, 0, 1, 0.02",
        "150, 0.5, -1, 20, 0.02"
    })
    void targetsAreReachedOnLaggingModels(double constant, double slope, double middle, int delay, double noise) {
        for (double target : TARGETS) {
            assertThat(settle(target, 1000, lag(constant, slope, middle, delay, noise)))
                    .as("target %s, seed %d", target, SEED)
                    .isCloseTo(target, within(0.03));
        }
    }

    @Test
    void itGoesOnFromItsState() {
        SparsityController.Options options = SparsityController.Options.target(0.7, 200);
        SparsityController whole = new SparsityController(options);
        SparsityController resumed = new SparsityController(options);
        DoubleUnaryOperator plant = lag(20, 2, 0, 5, 0.05);
        for (int step = 0; step < 200; step++) {
            double sparsity = plant.applyAsDouble(whole.eta());
            whole.observe(sparsity);
            resumed = new SparsityController(options, resumed.state());
            resumed.observe(sparsity);
            assertThat(resumed.eta()).isEqualTo(whole.eta());
        }
    }

    @Test
    void etaStaysWithinItsLimits() {
        SparsityController.Options options = new SparsityController.Options(0.9, 1, 0.5, 2, 50);
        SparsityController controller = new SparsityController(options);
        for (int step = 0; step < 100; step++) {
            controller.observe(0.1);
        }
        assertThat(controller.eta()).isCloseTo(2, within(1e-12));
        for (int step = 0; step < 100; step++) {
            controller.observe(1);
        }
        assertThat(controller.eta()).isCloseTo(0.5, within(1e-12));
        assertThat(controller.sparsity()).isGreaterThan(0.99);
    }

    @Test
    void impossibleValuesAreRefused() {
        assertThatThrownBy(() -> SparsityController.Options.target(1, 100))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("target sparsity");
        assertThatThrownBy(() -> new SparsityController.Options(0.5, 1, 2, 3, 10))
                .hasMessageContaining("eta");
        SparsityController controller = new SparsityController(SparsityController.Options.target(0.5, 100));
        assertThatThrownBy(() -> controller.observe(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }
}
