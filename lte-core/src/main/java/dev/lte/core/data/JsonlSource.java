package dev.lte.core.data;

import dev.lte.ModelFormatException;
import dev.lte.core.io.JsonView;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * JSON objects, one a line, with a prompt and its completion. Other members are left alone, blank lines are skipped.
 *
 * @param promptMember name of the member that holds the prompt
 * @param completionMember name of the member that holds the completion
 */
public record JsonlSource(Path file, String promptMember, String completionMember) implements ExampleSource {
    /** With the usual names, {@code prompt} and {@code completion}. */
    public JsonlSource(Path file) {
        this(file, "prompt", "completion");
    }

    @Override
    public ExampleReader open() {
        LineReader lines = new LineReader(file);
        return new ExampleReader() {
            @Override
            public Example.@Nullable Completion next() {
                String line = lines.next();
                while (line != null && line.isBlank()) {
                    line = lines.next();
                }
                return line == null ? null : example(lines, line);
            }

            @Override
            public void close() {
                lines.close();
            }
        };
    }

    private Example.Completion example(LineReader lines, String line) {
        try {
            JsonView object = JsonView.parse(line.getBytes(StandardCharsets.UTF_8), null, "example");
            return new Example.Completion(
                    object.get(promptMember).text(),
                    object.get(completionMember).text());
        } catch (ModelFormatException e) {
            throw lines.invalid(e.item() + " to be " + e.expected(), e.found());
        }
    }
}
