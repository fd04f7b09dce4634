package dev.lte.core.data;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Plain text. Documents end at lines that are the separator (white space around it aside), such as {@code <|endoftext|>}, and at
 * the end of the file. Long documents come in parts, cut between lines, so that a file need not fit in memory. Line ends become
 * LF; white space at both ends of a document is left out, and documents of nothing else are no examples.
 *
 * @param separator the line between documents; empty for blank lines; null if the file is one document
 */
public record TextSource(Path file, @Nullable String separator) implements ExampleSource {
    /** Characters after which a document is cut. */
    private static final int PART = 1 << 20;

    @Override
    public ExampleReader open() {
        return new Reader(new LineReader(file), separator, PART);
    }

    /** For tests of the cut. */
    ExampleReader open(int part) {
        return new Reader(new LineReader(file), separator, part);
    }

    private static final class Reader implements ExampleReader {
        private final LineReader lines;
        private final @Nullable String separator;
        private final int part;
        private final StringBuilder text = new StringBuilder();
        private boolean begun;
        private boolean atEnd;

        Reader(LineReader lines, @Nullable String separator, int part) {
            this.lines = lines;
            this.separator = separator;
            this.part = part;
        }

        @Override
        public Example.@Nullable Text next() {
            while (!atEnd) {
                String line = lines.next();
                atEnd = line == null;
                if (line == null || line.strip().equals(separator)) {
                    Example.Text document = finish();
                    if (document != null) {
                        return document;
                    }
                } else if (!text.isEmpty() || begun || !line.isBlank()) {
                    boolean full = text.length() >= part && !line.isBlank() || text.length() >= 2 * part;
                    Example.Text cut = full ? cut() : null;
                    text.append(line).append('\n');
                    if (cut != null) {
                        return cut;
                    }
                }
            }
            return null;
        }

        /** A part that is not the last ends in LF; the next begins with a line that is not blank, but for very many blank lines. */
        private Example.Text cut() {
            Example.Text cut = begun
                    ? new Example.Text(text.toString(), false, false)
                    : new Example.Text(text.toString().stripLeading(), true, false);
            text.setLength(0);
            begun = true;
            return cut;
        }

        private Example.@Nullable Text finish() {
            String whole =
                    begun ? text.toString().stripTrailing() : text.toString().strip();
            boolean wasBegun = begun;
            text.setLength(0);
            begun = false;
            return whole.isEmpty() && !wasBegun ? null : new Example.Text(whole, !wasBegun, true);
        }

        @Override
        public void close() {
            lines.close();
        }
    }
}
