package dev.lte.core.format;

import dev.lte.ModelFormatException;

/**
 * What the objects made of a file may take of the Java heap: as much as the file and 52 MB. Few bytes of a file can make many
 * of the heap, an empty string for example 8 bytes 40, so checking lengths against the file is not enough. Not thread-safe.
 */
public final class HeapBudget {
    private static final long ALLOWANCE = 52L << 20;

    private final MappedFile file;
    private long left;

    public HeapBudget(MappedFile file) {
        this.file = file;
        left = file.size() + ALLOWANCE;
    }

    /**
     * To be called before the memory is allocated.
     *
     * @param bytes an estimate from above
     * @param item what needs them
     * @param offset where it stands in the file
     * @throws ModelFormatException if the budget does not have as much left
     */
    public void charge(long bytes, String item, long offset) {
        if (bytes > left) {
            throw new ModelFormatException(
                    file.path(),
                    item,
                    offset,
                    "names and metadata that fit into " + (file.size() + ALLOWANCE) + " bytes of memory",
                    "more");
        }
        left -= bytes;
    }
}
