package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.Activation;
import java.util.function.DoubleUnaryOperator;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** The polynomial approximations against {@link Math}, over their whole range and every tail length. */
class VectorMathTest {
    private static final double[] EXTREMES = {0, -0.0, 1e-30, -1e-30, 50, -50, 87, -87, 200, -200, 3e38, -3e38};

    @Test
    void sigmoidIsExactToAFewUnitsInTheLastPlace() {
        check(x -> 1 / (1 + Math.exp(-x)), (x, count) -> VectorMath.sigmoid(x, 0, count), 1e-6, 1e-30);
    }

    @Test
    void siluIsExactToAFewUnitsInTheLastPlace() {
        check(
                x -> x / (1 + Math.exp(-x)),
                (x, count) -> VectorMath.activate(Activation.SILU, x, 0, count),
                1e-6,
                1e-30);
    }

    @Test
    void tanhIsExactToAFewUnitsInTheLastPlace() {
        check(Math::tanh, (x, count) -> VectorMath.activate(Activation.TANH, x, 0, count), 1e-6, 1e-35);
    }

    @Test
    void softcapScalesTanh() {
        check(x -> 30 * Math.tanh(x / 30), (x, count) -> VectorMath.softcap(x, 0, count, 30), 1e-6, 1e-30);
    }

    @Test
    void geluTanhIsRelativelyExactForNegativeInputs() {
        DoubleUnaryOperator gelu = x -> x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
        check(gelu, (x, count) -> VectorMath.activate(Activation.GELU_TANH, x, 0, count), 2e-5, 1e-30);
    }

    @Test
    void geluIsRelativelyExactForNegativeInputs() {
        check(
                x -> x * erfc(-x / Math.sqrt(2)) / 2,
                (x, count) -> VectorMath.activate(Activation.GELU, x, 0, count),
                2e-5,
                1e-30);
    }

    /** Continued fraction for large arguments, Taylor series for small ones. */
    private static double erfc(double x) {
        if (x < 0) {
            return 2 - erfc(-x);
        }
        if (x > 2.5) {
            double fraction = 0;
            for (int k = 80; k > 0; k--) {
                fraction = k / 2.0 / (x + fraction);
            }
            return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
        }
        double term = x;
        double sum = x;
        for (int n = 1; n < 120; n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 1 - 2 / Math.sqrt(Math.PI) * sum;
    }

    @Test
    void reluKeepsPositives() {
        check(x -> Math.max(x, 0), (x, count) -> VectorMath.activate(Activation.RELU, x, 0, count), 0, 0);
    }

    private interface Kernel {
        void run(float[] x, int count);
    }

    private static void check(DoubleUnaryOperator expected, Kernel kernel, double relative, double absolute) {
        float[] inputs = new float[4_001 + EXTREMES.length];
        for (int i = 0; i < 4_001; i++) {
            inputs[i] = (i - 2_000) * 0.006f;
        }
        for (int i = 0; i < EXTREMES.length; i++) {
            inputs[4_001 + i] = (float) EXTREMES[i];
        }
        float[] x = inputs.clone();
        kernel.run(x, x.length);
        for (int i = 0; i < x.length; i++) {
            double wanted = expected.applyAsDouble(inputs[i]);
            assertThat((double) x[i])
                    .as("f(%s)", inputs[i])
                    .isCloseTo(wanted, Offset.offset(Math.abs(wanted) * relative + absolute));
        }
        for (int count = 0; count < 40; count++) {
            float[] tail = inputs.clone();
            kernel.run(tail, count);
            for (int i = 0; i < 60; i++) {
                // What vectors leave over meets the same arithmetic.
                assertThat(tail[i]).isEqualTo(i < count ? x[i] : inputs[i]);
            }
        }
    }
}
