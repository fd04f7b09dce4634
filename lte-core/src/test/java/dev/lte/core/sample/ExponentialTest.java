package dev.lte.core.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ExponentialTest {
    private static final long SEED = 7;

    @Test
    void isCloseToTheExactOneUpToTheLeast() {
        SplittableRandom random = new SplittableRandom(SEED);
        float[] x = new float[20_000];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) (-699 * random.nextDouble() * random.nextDouble() * random.nextDouble());
        }
        double[] out = new double[x.length];
        Exponential.of(x, 0, x.length, 0, 1, out);
        for (int i = 0; i < x.length; i++) {
            double exact = Math.exp(x[i]);
            // 4096 roundings of half a unit in the last place at most; a series that ends at the ninth power beyond -60
            double bound = x[i] > -60 ? 1e-12 : 1e-10;
            assertThat(out[i] / exact).as("seed %d, exp(%s)", SEED, x[i]).isCloseTo(1, within(bound));
        }
    }

    @Test
    void takesDifferencesFromTheLargestTimesTheFactorFromTheStart() {
        float[] x = {9, 3, 1, 2};
        double[] out = new double[3];
        Exponential.of(x, 1, 3, 3, 0.5, out);
        assertThat(out[0]).isEqualTo(1);
        assertThat(out[1]).isCloseTo(Math.exp(-1), within(1e-13));
        assertThat(out[2]).isCloseTo(Math.exp(-0.5), within(1e-13));
    }

    @Test
    void staysAboveZero() {
        double[] out = new double[2];
        Exponential.of(new float[] {-1e30f, Float.NEGATIVE_INFINITY}, 0, 2, 0, 1, out);
        assertThat(out[0]).isPositive().isLessThan(1e-300).isEqualTo(out[1]);
    }
}
