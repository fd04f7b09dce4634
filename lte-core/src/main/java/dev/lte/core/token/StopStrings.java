package dev.lte.core.token;

import dev.lte.InvalidRequestException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Passes text on until one of several strings has come, by Knuth-Morris-Pratt for each: linear in the text, whatever
 * the strings. The first string to become complete counts, the longest if several do at once.
 */
public final class StopStrings {
    private final String[] strings;
    private final int[][] borders;
    private final int[] progress;
    private final StringBuilder held = new StringBuilder();
    private @Nullable String matched;

    /** @param stopStrings none empty, none beginning with half a character */
    public StopStrings(List<String> stopStrings) {
        strings = stopStrings.toArray(String[]::new);
        borders = new int[strings.length][];
        progress = new int[strings.length];
        for (int i = 0; i < strings.length; i++) {
            String string = strings[i];
            if (string.isEmpty() || Character.isLowSurrogate(string.charAt(0))) {
                throw new InvalidRequestException("stopStrings", "texts of whole characters, none empty", string);
            }
            borders[i] = borders(string);
        }
    }

    /** The string that has come, or null. */
    public @Nullable String matched() {
        return matched;
    }

    /** The text that can no longer be part of a stop string. */
    public String append(String text) {
        if (strings.length == 0 || text.isEmpty()) {
            return matched == null ? text : "";
        }
        for (int i = 0; i < text.length() && matched == null; i++) {
            held.append(text.charAt(i));
            advance(text.charAt(i));
        }
        if (matched != null) {
            String before = held.substring(0, Math.max(0, held.length() - matched.length()));
            held.setLength(0);
            return before;
        }
        int keep = 0;
        for (int length : progress) {
            keep = Math.max(keep, length);
        }
        String certain = held.substring(0, held.length() - keep);
        held.delete(0, certain.length());
        return certain;
    }

    /** The text held back, once no more can come. */
    public String finish() {
        String rest = held.toString();
        held.setLength(0);
        return rest;
    }

    private void advance(char c) {
        for (int i = 0; i < strings.length; i++) {
            String string = strings[i];
            int length = progress[i];
            while (length > 0 && string.charAt(length) != c) {
                length = borders[i][length - 1];
            }
            length += string.charAt(length) == c ? 1 : 0;
            progress[i] = length;
            if (length == string.length() && (matched == null || string.length() > matched.length())) {
                matched = string;
            }
        }
    }

    /** For each prefix, the length of its longest proper prefix that is also its end. */
    private static int[] borders(String string) {
        int[] borders = new int[string.length()];
        int length = 0;
        for (int i = 1; i < borders.length; i++) {
            while (length > 0 && string.charAt(i) != string.charAt(length)) {
                length = borders[length - 1];
            }
            length += string.charAt(i) == string.charAt(length) ? 1 : 0;
            borders[i] = length;
        }
        return borders;
    }
}
