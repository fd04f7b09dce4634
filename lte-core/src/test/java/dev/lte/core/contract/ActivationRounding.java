package dev.lte.core.contract;

/** How a backend rounds activations before it multiplies them with weights, which decides how exact its products can be. */
public enum ActivationRounding {
    /** Not at all: only the sums round. */
    F32 {
        @Override
        double variance(double x, double largest) {
            return 0;
        }
    },
    /** To 10 bits of fraction. */
    F16 {
        @Override
        double variance(double x, double largest) {
            return square(x * 0x1p-11) / 3;
        }
    },
    /** To 7 bits of fraction. */
    BF16 {
        @Override
        double variance(double x, double largest) {
            return square(x * 0x1p-8) / 3;
        }
    },
    /** To multiples of 1/127 of the largest of 32 neighbours. */
    INT8_BLOCKS {
        @Override
        double variance(double x, double largest) {
            return square(largest / 127) / 12;
        }
    };

    /**
     * Expected square of the error of one activation.
     *
     * @param x the activation
     * @param largest the largest magnitude among the 32 neighbours that it is rounded with
     */
    abstract double variance(double x, double largest);

    private static double square(double x) {
        return x * x;
    }
}
