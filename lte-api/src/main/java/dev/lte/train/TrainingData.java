package dev.lte.train;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Files to learn from; gzip is read as what it holds. They are streamed, so they may be larger than memory.
 *
 * @param format of both files
 * @param train to learn from
 * @param development to evaluate on and choose the best state by, or null for neither
 * @param separator of {@link Format#TEXT}: the line between documents, empty for blank lines; null for one document a file
 * @param prompt of {@link Format#JSONL}: the member that holds the prompt
 * @param completion of {@link Format#JSONL}: the member that holds the completion
 * @param shuffleBuffer examples that are mixed at a time; 1 keeps the order of the file
 */
public record TrainingData(
        Format format,
        Path train,
        @Nullable Path development,
        @Nullable String separator,
        String prompt,
        String completion,
        int shuffleBuffer) {
    private static final int DEFAULT_BUFFER = 65_536;

    /** What a file holds. */
    public enum Format {
        /** Plain text, of which every token is learnt. */
        TEXT,
        /** JSON objects, one a line, with a prompt, given, and a completion, learnt. */
        JSONL,
        /** The E2E NLG data set (CSV) with the prompt {@code Input:\n{mr}\n---\nOutput:\n}; the reference is learnt. */
        E2E,
        /** Texts, or pairs of them, with classes, in the form of GLUE. */
        TSV
    }

    public TrainingData {
        if (shuffleBuffer < 1) {
            throw new dev.lte.InvalidRequestException("shuffleBuffer", "1 or more", shuffleBuffer);
        }
    }

    /** With the usual names of members, one document a text file, and {@value #DEFAULT_BUFFER} examples mixed at a time. */
    public static TrainingData of(Format format, Path train) {
        return new TrainingData(format, train, null, null, "prompt", "completion", DEFAULT_BUFFER);
    }

    /** The same with a development set. */
    public TrainingData development(Path file) {
        return new TrainingData(format, train, file, separator, prompt, completion, shuffleBuffer);
    }
}
