package dev.lte.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.InvalidRequestException;
import dev.lte.train.Decay;
import org.junit.jupiter.api.Test;

class ScheduleTest {
    private static double[] values(Schedule schedule, int steps) {
        double[] values = new double[steps];
        for (int step = 0; step < steps; step++) {
            values[step] = schedule.at(step, steps);
        }
        return values;
    }

    @Test
    void warmupRisesToThePeakAndDecays() {
        double[] linear = values(new Schedule.Warmup(2, 0.2, Decay.LINEAR), 10);
        assertThat(linear).containsExactly(new double[] {1, 2, 2, 1.75, 1.5, 1.25, 1, 0.75, 0.5, 0.25}, within(1e-12));
        double[] constant = values(new Schedule.Warmup(2, 0.3, Decay.CONSTANT), 10);
        assertThat(constant).containsExactly(new double[] {2 / 3.0, 4 / 3.0, 2, 2, 2, 2, 2, 2, 2, 2}, within(1e-12));
        double[] cosine = values(new Schedule.Warmup(2, 0, Decay.COSINE), 4);
        double root = Math.sqrt(0.5);
        assertThat(cosine).containsExactly(new double[] {2, 1 + root, 1, 1 - root}, within(1e-12));
    }

    @Test
    void shortStagesHaveNoGaps() {
        for (Decay decay : Decay.values()) {
            assertThat(new Schedule.Warmup(1, 0.06, decay).at(0, 1)).isEqualTo(1);
            assertThat(values(new Schedule.Warmup(1, 0.99, decay), 3))
                    .doesNotContain(Double.NaN)
                    .contains(1);
        }
    }

    @Test
    void rampBeginsLate() {
        double[] ramp = values(new Schedule.Ramp(0.5, 0.4), 10);
        assertThat(ramp).containsExactly(new double[] {0, 0, 0, 0, 0, 0, 0, 0.125, 0.25, 0.375}, within(1e-12));
        assertThat(values(new Schedule.Ramp(1, 1), 4)).containsExactly(0, 0.25, 0.5, 0.75);
        assertThat(new Schedule.Constant(0.5).at(7, 10)).isEqualTo(0.5);
    }

    @Test
    void impossibleValuesAreRefused() {
        assertThatThrownBy(() -> new Schedule.Warmup(1, 1, Decay.LINEAR))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("warmup");
        assertThatThrownBy(() -> new Schedule.Ramp(1, 0)).hasMessageContaining("share");
        assertThatThrownBy(() -> new Schedule.Constant(Double.NaN)).hasMessageContaining("value");
    }
}
