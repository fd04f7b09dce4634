package dev.lte.core.data;

import dev.lte.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The examples of a source over a number of passes (epochs), mixed as {@link Shuffling} says. Not thread-safe.
 *
 * <p>To go on at a position, the pass is read again up to there, which costs reading but no tokenizing.
 */
public final class ExampleStream implements AutoCloseable {
    private final ExampleSource source;
    private final Shuffling shuffling;
    private final long epochs;
    private final List<Example> buffer = new ArrayList<>();
    private @Nullable ExampleReader reader;
    private SplittableRandom random;
    private boolean read;
    private long epoch;
    private long taken;

    /** @param epochs passes after which the stream ends; {@link Long#MAX_VALUE} for no end */
    public ExampleStream(ExampleSource source, Shuffling shuffling, long epochs) {
        if (epochs < 1) {
            throw new IllegalArgumentException("epochs " + epochs);
        }
        this.source = source;
        this.shuffling = shuffling;
        this.epochs = epochs;
        this.random = random(0);
    }

    /** Epochs follow each other as seeds of SplitMix, which are far apart whatever the seed. */
    private SplittableRandom random(long epoch) {
        return new SplittableRandom(shuffling.seed() + 0x9E3779B97F4A7C15L * (epoch + 1));
    }

    /** Passes that are complete. */
    public long epoch() {
        return epoch;
    }

    /** Examples taken in this pass. */
    public long taken() {
        return taken;
    }

    /**
     * The next example, or null after the last epoch.
     *
     * @throws InvalidRequestException if the source has no examples
     */
    public @Nullable Example next() {
        while (epoch < epochs) {
            Example example = draw();
            if (example != null) {
                taken++;
                return example;
            }
            if (taken == 0) {
                throw new InvalidRequestException("data", "at least one example", source);
            }
            begin(epoch + 1);
        }
        return null;
    }

    private @Nullable Example draw() {
        while (!read && buffer.size() < shuffling.buffer()) {
            if (reader == null) {
                reader = source.open();
            }
            Example example = reader.next();
            if (example == null) {
                read = true;
                reader.close();
                reader = null;
            } else {
                buffer.add(example);
            }
        }
        if (buffer.isEmpty()) {
            return null;
        }
        int index = random.nextInt(buffer.size());
        Example last = buffer.removeLast();
        return index == buffer.size() ? last : buffer.set(index, last);
    }

    private void begin(long next) {
        close();
        buffer.clear();
        read = false;
        epoch = next;
        taken = 0;
        random = random(next);
    }

    /**
     * Goes to a position: the next example is the one that followed there.
     *
     * @return the example that was taken last before the position, or null at the begin of a pass
     * @throws InvalidRequestException if the pass has fewer examples
     */
    public @Nullable Example seek(long toEpoch, long toTaken) {
        begin(toEpoch);
        Example last = null;
        while (taken < toTaken) {
            last = draw();
            if (last == null) {
                throw new InvalidRequestException(
                        "position",
                        "a file of at least " + toTaken + " examples, as when the position was recorded",
                        taken);
            }
            taken++;
        }
        return last;
    }

    @Override
    public void close() {
        if (reader != null) {
            reader.close();
            reader = null;
        }
    }
}
