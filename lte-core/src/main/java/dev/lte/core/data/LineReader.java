package dev.lte.core.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * Lines of a UTF-8 file, plain or gzip, without their ends (LF or CR LF); a byte order mark is left out. Not thread-safe. Lines
 * are bounded, so that a file without line ends cannot fill the memory.
 */
final class LineReader implements AutoCloseable {
    /** Bytes of a line. */
    private static final int LONGEST = 1 << 26;

    private final Path file;
    private final int longest;
    private final InputStream in;
    private final byte[] buffer = new byte[1 << 16];
    private int from;
    private int to;
    private byte[] pending = new byte[256];
    private int pendingSize;
    private long line;

    LineReader(Path file) {
        this(file, LONGEST);
    }

    /** @param longest bytes of a line */
    LineReader(Path file, int longest) {
        this.file = file;
        this.longest = longest;
        try {
            in = DataFile.open(file);
        } catch (IOException e) {
            throw failure(e);
        }
    }

    Path file() {
        return file;
    }

    /** The number of the line that was read last, from 1. */
    long line() {
        return line;
    }

    /** The next line, or null at the end. */
    @Nullable
    String next() {
        pendingSize = 0;
        while (true) {
            if (from == to) {
                try {
                    from = 0;
                    to = Math.max(0, in.read(buffer));
                } catch (IOException e) {
                    throw failure(e);
                }
                if (to == 0) {
                    return pendingSize == 0 ? null : text();
                }
            }
            int end = from;
            while (end < to && buffer[end] != '\n') {
                end++;
            }
            append(end);
            from = end;
            if (end < to) {
                from++;
                return text();
            }
        }
    }

    private void append(int end) {
        int size = end - from;
        if (pendingSize + size > longest) {
            throw new DataFormatException(file, line + 1, "lines of at most " + longest + " bytes", "a longer one");
        }
        if (pendingSize + size > pending.length) {
            pending = Arrays.copyOf(pending, Math.max(2 * pending.length, pendingSize + size));
        }
        System.arraycopy(buffer, from, pending, pendingSize, size);
        pendingSize += size;
    }

    private String text() {
        line++;
        int size = pendingSize > 0 && pending[pendingSize - 1] == '\r' ? pendingSize - 1 : pendingSize;
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(pending, 0, size))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new DataFormatException(file, line, "UTF-8", "bytes that are none", "convert the file to UTF-8");
        }
        return line == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    DataFormatException invalid(String expected, String found) {
        return new DataFormatException(file, line, expected, shortened(found));
    }

    static String shortened(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "...";
    }

    private RuntimeException failure(IOException e) {
        if (e instanceof ZipException || e instanceof EOFException) {
            String found = "damaged data (" + e.getMessage() + ")";
            return new DataFormatException(
                    file, line + 1, "a complete gzip file", found, "download or copy the file again");
        }
        return new UncheckedIOException("cannot read " + file, e);
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close " + file, e);
        }
    }
}
