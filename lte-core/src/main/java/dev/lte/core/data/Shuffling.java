package dev.lte.core.data;

/**
 * How examples are mixed. A buffer holds the next examples of the file; each time one of them is drawn at random and the next
 * takes its place. A buffer that holds the whole file shuffles it completely.
 *
 * @param seed of the order; each epoch has its own order
 * @param buffer examples; 1 keeps the order of the file
 */
public record Shuffling(long seed, int buffer) {
    /** The order of the file. */
    public static final Shuffling NONE = new Shuffling(0, 1);

    public Shuffling {
        if (buffer < 1) {
            throw new IllegalArgumentException("buffer " + buffer);
        }
    }
}
