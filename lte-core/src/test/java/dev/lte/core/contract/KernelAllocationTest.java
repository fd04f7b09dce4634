package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class KernelAllocationTest {
    private byte[] kept = {};
    private int sum;

    @Test
    void countsWhatIsAllocated() {
        assertThat(KernelAllocation.bytesPerCall(Duration.ofMillis(200), 0, () -> kept = new byte[1000]))
                .isBetween(1000L, 2000L);
        assertThat(kept).hasSize(1000);
    }

    @Test
    void countsNothingWhereNothingIsAllocated() {
        assertThat(KernelAllocation.bytesPerCall(Duration.ofSeconds(10), 0, () -> sum++))
                .isZero();
        assertThat(sum).isPositive();
    }
}
