package dev.lte.core.data;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a classification task's TSV file has its texts and labels.
 *
 * @param name for people
 * @param firstColumns names that the column of the (first) text may have
 * @param secondColumns the same for the second text; empty for single texts
 * @param labelColumns the same for the label
 * @param labels as the file writes them, in order of their numbers
 */
public record TsvTask(
        String name,
        List<String> firstColumns,
        List<String> secondColumns,
        List<String> labelColumns,
        List<String> labels) {
    public static final TsvTask SST_2 = new TsvTask(
            "SST-2", List.of("sentence", "content", "text"), List.of(), List.of("label"), List.of("0", "1"));
    public static final TsvTask MRPC =
            new TsvTask("MRPC", List.of("#1 String"), List.of("#2 String"), List.of("Quality"), List.of("0", "1"));
    public static final TsvTask MNLI = new TsvTask(
            "MNLI",
            List.of("sentence1"),
            List.of("sentence2"),
            List.of("gold_label", "label"),
            List.of("entailment", "neutral", "contradiction"));
    public static final TsvTask QNLI = new TsvTask(
            "QNLI",
            List.of("question"),
            List.of("sentence"),
            List.of("label"),
            List.of("entailment", "not_entailment"));

    public TsvTask {
        firstColumns = List.copyOf(firstColumns);
        secondColumns = List.copyOf(secondColumns);
        labelColumns = List.copyOf(labelColumns);
        labels = List.copyOf(labels);
    }

    /** The tasks that have a constant here. */
    public static List<TsvTask> known() {
        return List.of(MRPC, MNLI, QNLI, SST_2);
    }

    /** The known task that a header has all columns of, or null. */
    static @Nullable TsvTask of(List<String> header) {
        for (TsvTask task : known()) {
            if (task.fits(header)) {
                return task;
            }
        }
        return null;
    }

    boolean fits(List<String> header) {
        return column(header, firstColumns) >= 0
                && (secondColumns.isEmpty() || column(header, secondColumns) >= 0)
                && column(header, labelColumns) >= 0;
    }

    /** Index of the first of these names in a header, or -1. */
    static int column(List<String> header, List<String> names) {
        for (String name : names) {
            int index = header.indexOf(name);
            if (index >= 0) {
                return index;
            }
        }
        return -1;
    }
}
