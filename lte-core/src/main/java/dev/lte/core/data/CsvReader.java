package dev.lte.core.data;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Records of a CSV file (RFC 4180): fields in quotes may hold commas, quotes (doubled) and line ends. Blank lines are skipped. */
final class CsvReader implements AutoCloseable {
    /** Characters of a record, so that a quote that is never closed does not read the whole file. */
    private static final int LONGEST = 1 << 24;

    private final LineReader lines;
    private long firstLine;

    CsvReader(LineReader lines) {
        this.lines = lines;
    }

    /** The line on which the record that was read last began, from 1. */
    long line() {
        return firstLine;
    }

    /** The next record, or null at the end. */
    @Nullable
    List<String> next() {
        String line = lines.next();
        while (line != null && line.isBlank()) {
            line = lines.next();
        }
        if (line == null) {
            return null;
        }
        firstLine = lines.line();
        List<String> fields = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        int at = 0;
        while (true) {
            field.setLength(0);
            if (at < line.length() && line.charAt(at) == '"') {
                at++;
                while (true) {
                    int quote = line.indexOf('"', at);
                    if (quote < 0) {
                        field.append(line, at, line.length()).append('\n');
                        String more = field.length() > LONGEST ? null : lines.next();
                        if (more == null) {
                            throw invalid("a quote that closes the field", "none");
                        }
                        line = more;
                        at = 0;
                    } else if (quote + 1 < line.length() && line.charAt(quote + 1) == '"') {
                        field.append(line, at, quote + 1);
                        at = quote + 2;
                    } else {
                        field.append(line, at, quote);
                        at = quote + 1;
                        break;
                    }
                }
                if (at < line.length() && line.charAt(at) != ',') {
                    throw invalid("a comma or the line's end behind a closing quote", line.substring(at));
                }
            } else {
                int comma = line.indexOf(',', at);
                int end = comma < 0 ? line.length() : comma;
                field.append(line, at, end);
                at = end;
            }
            fields.add(field.toString());
            if (at >= line.length()) {
                return fields;
            }
            at++;
        }
    }

    DataFormatException invalid(String expected, String found) {
        return new DataFormatException(lines.file(), firstLine, expected, LineReader.shortened(found));
    }

    @Override
    public void close() {
        lines.close();
    }
}
