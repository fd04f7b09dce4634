package dev.lte.core.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ExampleStreamTest {
    private static final long SEED = 5;

    /** Examples 0 to n - 1; counts readers that are open. */
    private static final class Numbers implements ExampleSource {
        private final int size;
        private int open;

        Numbers(int size) {
            this.size = size;
        }

        @Override
        public ExampleReader open() {
            open++;
            return new ExampleReader() {
                private int next;

                @Override
                public @Nullable Example next() {
                    return next < size ? new Example.Labelled("", null, next++) : null;
                }

                @Override
                public void close() {
                    open--;
                }
            };
        }
    }

    private static int number(@Nullable Example example) {
        return example instanceof Example.Labelled labelled ? labelled.label() : -1;
    }

    private static List<Integer> take(ExampleStream stream, int count) {
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            numbers.add(number(stream.next()));
        }
        return numbers;
    }

    @Test
    void withoutShufflingTheOrderIsTheFiles() {
        Numbers source = new Numbers(3);
        ExampleStream stream = new ExampleStream(source, Shuffling.NONE, 2);
        assertThat(take(stream, 7)).containsExactly(0, 1, 2, 0, 1, 2, -1);
        assertThat(source.open).isZero();
    }

    @Test
    void everyEpochHasAllExamplesInAnotherOrder() {
        for (int buffer : new int[] {1, 7, 64, 1000}) {
            ExampleStream stream = new ExampleStream(new Numbers(64), new Shuffling(SEED, buffer), Long.MAX_VALUE);
            List<Integer> first = take(stream, 64);
            List<Integer> second = take(stream, 64);
            List<Integer> all = IntStream.range(0, 64).boxed().toList();
            assertThat(first).containsExactlyInAnyOrderElementsOf(all);
            assertThat(second).containsExactlyInAnyOrderElementsOf(all);
            if (buffer > 1) {
                assertThat(first).as("seed %d", SEED).isNotEqualTo(all).isNotEqualTo(second);
            }
        }
    }

    @Test
    void noExampleComesEarlierThanTheBufferAllows() {
        List<Integer> order = take(new ExampleStream(new Numbers(500), new Shuffling(SEED, 20), 1), 500);
        for (int i = 0; i < order.size(); i++) {
            assertThat(order.get(i)).isLessThan(i + 20);
        }
    }

    @Test
    void seedsDecideTheOrder() {
        Shuffling shuffling = new Shuffling(SEED, 16);
        List<Integer> order = take(new ExampleStream(new Numbers(50), shuffling, 3), 150);
        assertThat(take(new ExampleStream(new Numbers(50), shuffling, 3), 150)).isEqualTo(order);
        assertThat(take(new ExampleStream(new Numbers(50), new Shuffling(SEED + 1, 16), 3), 150))
                .isNotEqualTo(order);
    }

    @Test
    void anyPositionCanBeFoundAgain() {
        Shuffling shuffling = new Shuffling(SEED, 8);
        ExampleStream stream = new ExampleStream(new Numbers(30), shuffling, 3);
        List<Integer> order = take(stream, 91);
        ExampleStream walked = new ExampleStream(new Numbers(30), shuffling, 3);
        for (int i = 0; i <= 90; i++) {
            ExampleStream found = new ExampleStream(new Numbers(30), shuffling, 3);
            Example last = found.seek(walked.epoch(), walked.taken());
            if (walked.taken() > 0) {
                assertThat(number(last)).isEqualTo(order.get(i - 1));
            }
            assertThat(take(found, 91 - i)).isEqualTo(order.subList(i, 91));
            walked.next();
        }
        assertThatThrownBy(() -> new ExampleStream(new Numbers(30), shuffling, 3).seek(1, 31))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("at least 31 examples");
    }

    @Test
    void aSourceWithoutExamplesIsAnError() {
        assertThatThrownBy(() -> new ExampleStream(new Numbers(0), Shuffling.NONE, 2).next())
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("at least one example");
    }
}
