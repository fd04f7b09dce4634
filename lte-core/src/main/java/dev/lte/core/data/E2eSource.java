package dev.lte.core.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The E2E NLG data set (Novikova et al., 2017): CSV with a meaning representation (column {@code mr}) and a reference text
 * (column {@code ref}); more columns are left alone. The prompt has the form of the LTE paper.
 */
public record E2eSource(Path file) implements ExampleSource {
    /** What a model is given for a meaning representation. */
    public static String prompt(String meaning) {
        return "Input:\n" + meaning + "\n---\nOutput:\n";
    }

    /**
     * A prompt and all references of its meaning representation.
     *
     * @param references empty where the file has none, as the test set
     */
    public record Group(String prompt, List<String> references) {
        public Group {
            references = List.copyOf(references);
        }
    }

    @Override
    public ExampleReader open() {
        Rows rows = new Rows(file);
        try {
            rows.requireReferences();
        } catch (DataFormatException e) {
            rows.close();
            throw e;
        }
        return new ExampleReader() {
            @Override
            public Example.@Nullable Completion next() {
                List<String> row = rows.next();
                return row == null ? null : new Example.Completion(prompt(rows.meaning(row)), rows.reference(row));
            }

            @Override
            public void close() {
                rows.close();
            }
        };
    }

    /** All rows, grouped by meaning representation in order of their first row: what generated text is compared with. */
    public List<Group> groups() {
        Map<String, List<String>> references = new LinkedHashMap<>();
        try (Rows rows = new Rows(file)) {
            for (List<String> row = rows.next(); row != null; row = rows.next()) {
                List<String> group = references.computeIfAbsent(rows.meaning(row), meaning -> new ArrayList<>());
                if (rows.hasReferences()) {
                    group.add(rows.reference(row));
                }
            }
        }
        return references.entrySet().stream()
                .map(entry -> new Group(prompt(entry.getKey()), entry.getValue()))
                .toList();
    }

    private static final class Rows implements AutoCloseable {
        private final CsvReader csv;
        private final int columns;
        private final int meaningColumn;
        private final int referenceColumn;

        Rows(Path file) {
            csv = new CsvReader(new LineReader(file));
            try {
                List<String> header = csv.next();
                columns = header == null ? 0 : header.size();
                meaningColumn = header == null ? -1 : column(header, "mr");
                referenceColumn = header == null ? -1 : column(header, "ref");
                if (meaningColumn < 0) {
                    throw csv.invalid(
                            "a header with the columns mr and ref", header == null ? "nothing" : header.toString());
                }
            } catch (RuntimeException e) {
                csv.close();
                throw e;
            }
        }

        private static int column(List<String> header, String name) {
            for (int i = 0; i < header.size(); i++) {
                if (header.get(i).strip().equalsIgnoreCase(name)) {
                    return i;
                }
            }
            return -1;
        }

        boolean hasReferences() {
            return referenceColumn >= 0;
        }

        void requireReferences() {
            if (!hasReferences()) {
                throw csv.invalid("a column ref to learn from", "only meaning representations");
            }
        }

        @Nullable
        List<String> next() {
            List<String> row = csv.next();
            if (row != null && row.size() != columns) {
                throw csv.invalid(columns + " fields, as the header has", String.valueOf(row.size()));
            }
            return row;
        }

        String meaning(List<String> row) {
            return row.get(meaningColumn);
        }

        String reference(List<String> row) {
            return row.get(referenceColumn);
        }

        @Override
        public void close() {
            csv.close();
        }
    }
}
