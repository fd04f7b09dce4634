package dev.lte.core.data;

import dev.lte.LteException;
import java.nio.file.Path;

/** A data file does not have the form that was announced. */
public final class DataFormatException extends LteException {
    private static final long serialVersionUID = 1L;

    private final transient Path file;
    private final long line;
    private final String expected;
    private final String found;

    /** @param line from 1; 0 for problems of the whole file */
    public DataFormatException(Path file, long line, String expected, String found) {
        this(file, line, expected, found, "correct the file, or name the format that it has");
    }

    public DataFormatException(Path file, long line, String expected, String found, String remedy) {
        super(file + (line > 0 ? ":" + line : "") + ": expected " + expected + ", found " + found, remedy);
        this.file = file;
        this.line = line;
        this.expected = expected;
        this.found = found;
    }

    public Path file() {
        return file;
    }

    /** From 1; 0 for problems of the whole file. */
    public long line() {
        return line;
    }

    public String expected() {
        return expected;
    }

    public String found() {
        return found;
    }
}
