package dev.lte;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A model file is damaged, truncated or inconsistent. */
public final class ModelFormatException extends LteException {
    private static final long serialVersionUID = 1L;

    /** Offset of a problem that has no place in the file. */
    public static final long NO_OFFSET = -1;

    private final transient @Nullable Path file;
    private final String item;
    private final long offset;
    private final String expected;
    private final String found;

    /**
     * @param file the file, or null if the bytes have none
     * @param item tensor, key or part of the file at fault
     * @param offset byte offset in the file, or {@link #NO_OFFSET}
     * @param expected what should have been there
     * @param found what was there
     */
    public ModelFormatException(@Nullable Path file, String item, long offset, String expected, String found) {
        this(file, item, offset, expected, found, "download or convert the file again");
    }

    public ModelFormatException(
            @Nullable Path file, String item, long offset, String expected, String found, String remedy) {
        super(
                (file == null ? "" : file + ": ") + item + (offset == NO_OFFSET ? "" : " at offset " + offset)
                        + ": expected " + expected + ", found " + found,
                remedy);
        this.file = file;
        this.item = item;
        this.offset = offset;
        this.expected = expected;
        this.found = found;
    }

    public @Nullable Path file() {
        return file;
    }

    public String item() {
        return item;
    }

    public long offset() {
        return offset;
    }

    public String expected() {
        return expected;
    }

    public String found() {
        return found;
    }
}
