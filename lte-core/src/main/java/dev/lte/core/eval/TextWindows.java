package dev.lte.core.eval;

import dev.lte.InvalidRequestException;
import dev.lte.core.data.Example;
import dev.lte.core.data.ExampleReader;
import dev.lte.core.data.ExampleSource;
import dev.lte.core.data.SpelledCharacters;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Documents cut into sequences of the context's length. Every token but the first of a document is predicted exactly once: a
 * sequence begins with the last token of the one before, which is given. Begin-of-text is given, end-of-text is not asked for.
 */
public final class TextWindows {
    private TextWindows() {}

    /**
     * @param length most tokens of a sequence
     * @param limit most sequences
     */
    public static List<ScoredSequence> of(ExampleSource source, VocabularyTokenizer tokenizer, int length, int limit) {
        if (length < 2) {
            throw new InvalidRequestException("contextLength", "at least two positions for text", length);
        }
        SpelledCharacters characters = new SpelledCharacters(tokenizer);
        List<ScoredSequence> windows = new ArrayList<>();
        int[] carried = {};
        try (ExampleReader reader = source.open()) {
            for (Example example = reader.next(); example != null && windows.size() < limit; example = reader.next()) {
                if (!(example instanceof Example.Text text)) {
                    throw new InvalidRequestException(
                            "data", "plain text", example.getClass().getSimpleName());
                }
                carried = joined(carried, ids(text, tokenizer));
                int from = 0;
                while (from + 1 < carried.length && windows.size() < limit) {
                    int to = Math.min(from + length, carried.length);
                    if (to - from < length && !text.endsDocument()) {
                        break;
                    }
                    windows.add(window(Arrays.copyOfRange(carried, from, to), characters));
                    from = to - 1;
                }
                carried = text.endsDocument() ? new int[0] : Arrays.copyOfRange(carried, from, carried.length);
            }
        }
        return windows;
    }

    private static int[] ids(Example.Text text, VocabularyTokenizer tokenizer) {
        int[] ids = tokenizer.encode(text.text(), false, false);
        int begin = tokenizer.metadata().addBegin() ? tokenizer.beginOfTextId() : VocabularyTokenizer.NONE;
        return text.beginsDocument() && begin >= 0 ? joined(new int[] {begin}, ids) : ids;
    }

    private static int[] joined(int[] first, int[] second) {
        int[] ids = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, ids, first.length, second.length);
        return ids;
    }

    private static ScoredSequence window(int[] ids, SpelledCharacters characters) {
        long spelled = 0;
        for (int i = 1; i < ids.length; i++) {
            spelled += characters.of(ids[i]);
        }
        return new ScoredSequence(ids, 1, spelled);
    }
}
