package dev.lte.core.data;

/**
 * Where a {@link BatchStream} stands between two batches. With the same files and options, a stream that is opened here gives
 * the batches that would have come next.
 *
 * @param epoch passes that are complete
 * @param examples taken in this pass
 * @param carriedTokens tokens at the end of the last example taken that no batch has had yet; 0 unless texts are packed
 */
public record DataPosition(long epoch, long examples, int carriedTokens) {
    /** Before everything. */
    public static final DataPosition START = new DataPosition(0, 0, 0);

    public DataPosition {
        if (epoch < 0 || examples < 0 || carriedTokens < 0 || carriedTokens > 0 && examples == 0) {
            throw new IllegalArgumentException(
                    "epoch " + epoch + ", examples " + examples + ", carried tokens " + carriedTokens);
        }
    }
}
