package dev.lte.core.eval;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Cuts text at white space and counts runs of words. */
final class Words {
    private Words() {}

    /** The words between white space, as Python's {@code str.split()}, which the reference implementations use, sees it. */
    static List<String> split(String text) {
        List<String> words = new ArrayList<>();
        int begin = -1;
        for (int i = 0; i < text.length(); i++) {
            if (isSpace(text.charAt(i))) {
                if (begin >= 0) {
                    words.add(text.substring(begin, i));
                    begin = -1;
                }
            } else if (begin < 0) {
                begin = i;
            }
        }
        if (begin >= 0) {
            words.add(text.substring(begin));
        }
        return words;
    }

    static String stripTrailing(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    private static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
    }

    /** How often each run of {@code size} words occurs. */
    static Map<List<String>, Integer> runs(List<String> words, int size) {
        Map<List<String>, Integer> counts = new HashMap<>();
        for (int i = 0; i + size <= words.size(); i++) {
            counts.merge(words.subList(i, i + size), 1, Integer::sum);
        }
        return counts;
    }

    /** How many runs of the first are found in the second, each as often as it occurs there at most. */
    static int common(Map<List<String>, Integer> first, Map<List<String>, Integer> second) {
        int common = 0;
        for (Map.Entry<List<String>, Integer> run : first.entrySet()) {
            common += Math.min(run.getValue(), second.getOrDefault(run.getKey(), 0));
        }
        return common;
    }
}
