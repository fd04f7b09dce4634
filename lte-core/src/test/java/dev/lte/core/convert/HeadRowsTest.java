package dev.lte.core.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.backend.RopeSpec.Pairing;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HeadRowsTest {
    @Test
    void adjacentRowsAreThoseOfLlamaCpp() {
        // reshape(heads, 2, E/2).swapaxes(1, 2)
        assertThat(HeadRows.order(2, 6, 6, Pairing.ADJACENT)).containsExactly(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11);
        assertThat(HeadRows.order(1, 6, 4, Pairing.ADJACENT)).containsExactly(0, 2, 1, 3, 4, 5);
    }

    @Test
    void oneOrderUndoesTheOther() {
        int[] there = HeadRows.order(3, 16, 12, Pairing.ADJACENT);
        int[] back = HeadRows.order(3, 16, 12, Pairing.HALVES);
        for (int i = 0; i < there.length; i++) {
            assertThat(there[back[i]]).isEqualTo(i);
        }
    }

    @Test
    void rotatingReorderedRowsGivesReorderedRotatedRows() {
        long seed = 3;
        Random random = new Random(seed);
        int rotated = 8;
        double[] x = random.doubles(10).toArray();
        int[] order = HeadRows.order(1, 10, rotated, Pairing.ADJACENT);
        double[] y = new double[10];
        for (int i = 0; i < 10; i++) {
            y[i] = x[order[i]];
        }
        for (int i = 0; i < rotated / 2; i++) {
            rotate(x, i, i + rotated / 2, 0.3 * i + 0.1);
            rotate(y, 2 * i, 2 * i + 1, 0.3 * i + 0.1);
        }
        for (int i = 0; i < 10; i++) {
            // The same operations on the same numbers.
            assertThat(y[i]).as("seed %d, column %d", seed, i).isCloseTo(x[order[i]], within(0.0));
        }
    }

    private static void rotate(double[] x, int a, int b, double angle) {
        double first = x[a] * Math.cos(angle) - x[b] * Math.sin(angle);
        x[b] = x[a] * Math.sin(angle) + x[b] * Math.cos(angle);
        x[a] = first;
    }
}
