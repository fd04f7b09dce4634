package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LargePagesTest {
    private final @Nullable LargePages pages = LargePages.find();

    @Test
    void memoryIsZeroedAlignedAndWritableToItsLastByte() {
        assumeThat(pages).as("large pages of this system").isNotNull();
        for (long bytes : new long[] {LargePages.LEAST_BYTES, LargePages.LEAST_BYTES + 1, 5_000_001}) {
            try (Arena arena = Arena.ofShared()) {
                MemorySegment memory = pages.allocate(arena, bytes);
                assertThat(memory.byteSize()).isGreaterThanOrEqualTo(bytes);
                assertThat(memory.address() % (2 << 20)).isZero();
                assertThat(memory.mismatch(MemorySegment.ofArray(new byte[Math.toIntExact(memory.byteSize())])))
                        .isEqualTo(-1);
                memory.fill((byte) 7);
                assertThat(memory.get(ValueLayout.JAVA_BYTE, bytes - 1)).isEqualTo((byte) 7);
            }
        }
    }

    @Test
    void memoryThatWasGivenBackCannotBeRead() {
        assumeThat(pages).as("large pages of this system").isNotNull();
        MemorySegment memory;
        try (Arena arena = Arena.ofShared()) {
            memory = pages.allocate(arena, LargePages.LEAST_BYTES);
        }
        assertThatThrownBy(() -> memory.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void moreThanTheAddressSpaceIsRefused() {
        assumeThat(pages).as("large pages of this system").isNotNull();
        try (Arena arena = Arena.ofShared()) {
            assertThatThrownBy(() -> pages.allocate(arena, 1L << 50)).isInstanceOf(OutOfMemoryError.class);
        }
    }
}
