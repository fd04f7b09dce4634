package dev.lte.core.contract;

import java.util.random.RandomGenerator;

/** Random inputs as activations are: a bell curve with a few outliers. */
final class Values {
    private Values() {}

    static float[] normal(RandomGenerator random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** One in 50 is 20 times as large. */
    static float[] outliers(RandomGenerator random, int count) {
        float[] values = normal(random, count);
        for (int i = 0; i < count; i++) {
            if (random.nextInt(50) == 0) {
                values[i] *= 20;
            }
        }
        return values;
    }

    static int[] integers(RandomGenerator random, int count, int from, int to) {
        int[] values = new int[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextInt(from, to);
        }
        return values;
    }

    /** The numbers from 0 to {@code count - 1} in random order. */
    static int[] shuffled(RandomGenerator random, int count) {
        int[] values = new int[count];
        for (int i = 0; i < count; i++) {
            int j = random.nextInt(i + 1);
            values[i] = values[j];
            values[j] = i;
        }
        return values;
    }
}
