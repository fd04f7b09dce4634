package dev.lte.core.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Classification data in the TSV form of GLUE: a header, then one example a line, fields between tabs, quotes without meaning.
 * Rows labelled {@code -} have no agreed label and are skipped.
 *
 * @param task null to go by the header, see {@link TsvTask#known}
 */
public record TsvSource(Path file, @Nullable TsvTask task) implements ExampleSource {
    private static final String NO_LABEL = "-";

    /** The task that the file is read as. */
    public TsvTask resolvedTask() {
        try (LineReader lines = new LineReader(file)) {
            return resolve(lines, header(lines));
        }
    }

    @Override
    public ExampleReader open() {
        LineReader lines = new LineReader(file);
        try {
            List<String> header = header(lines);
            return new Reader(lines, header, resolve(lines, header));
        } catch (RuntimeException e) {
            lines.close();
            throw e;
        }
    }

    private static List<String> header(LineReader lines) {
        String line = lines.next();
        return line == null ? List.of() : fields(line);
    }

    private TsvTask resolve(LineReader lines, List<String> header) {
        if (task != null) {
            if (!task.fits(header)) {
                String expected = "a header with the columns of " + task.name() + ": " + task.firstColumns()
                        + task.secondColumns() + task.labelColumns();
                throw lines.invalid(expected, header.toString());
            }
            return task;
        }
        TsvTask found = TsvTask.of(header);
        if (found == null) {
            List<String> names = TsvTask.known().stream().map(TsvTask::name).toList();
            throw lines.invalid("a header of " + String.join(", ", names), header.toString());
        }
        return found;
    }

    private static List<String> fields(String line) {
        List<String> fields = new ArrayList<>();
        int from = 0;
        for (int tab = line.indexOf('\t'); tab >= 0; tab = line.indexOf('\t', from)) {
            fields.add(line.substring(from, tab));
            from = tab + 1;
        }
        fields.add(line.substring(from));
        return fields;
    }

    private static final class Reader implements ExampleReader {
        private final LineReader lines;
        private final TsvTask task;
        private final int columns;
        private final int first;
        private final int second;
        private final int label;

        Reader(LineReader lines, List<String> header, TsvTask task) {
            this.lines = lines;
            this.task = task;
            columns = header.size();
            first = TsvTask.column(header, task.firstColumns());
            second = TsvTask.column(header, task.secondColumns());
            label = TsvTask.column(header, task.labelColumns());
        }

        @Override
        public Example.@Nullable Labelled next() {
            for (String line = lines.next(); line != null; line = lines.next()) {
                if (line.isBlank()) {
                    continue;
                }
                List<String> fields = fields(line);
                if (fields.size() != columns) {
                    throw lines.invalid(columns + " fields, as the header has", String.valueOf(fields.size()));
                }
                String written = fields.get(label).strip();
                int number = task.labels().indexOf(written);
                if (number >= 0) {
                    return new Example.Labelled(fields.get(first), second < 0 ? null : fields.get(second), number);
                }
                if (!written.equals(NO_LABEL)) {
                    throw lines.invalid("a label of " + task.labels(), written);
                }
            }
            return null;
        }

        @Override
        public void close() {
            lines.close();
        }
    }
}
