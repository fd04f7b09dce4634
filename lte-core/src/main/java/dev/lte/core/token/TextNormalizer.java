package dev.lte.core.token;

import dev.lte.UnsupportedModelException;
import java.text.Normalizer;
import java.util.List;
import java.util.Locale;

/** Rewrites a text, or a part of it between added tokens, before it is cut into words. Immutable and thread-safe. */
interface TextNormalizer {
    TextNormalizer NONE = text -> text;

    /**
     * Unicode's own forms make a character 18 at most; steps from a file that repeat a text could go on without end.
     */
    int MOST_GROWTH = 32;

    String apply(String text);

    static TextNormalizer sequence(List<TextNormalizer> steps) {
        List<TextNormalizer> fixed = List.copyOf(steps);
        return text -> {
            String result = text;
            for (TextNormalizer step : fixed) {
                result = step.apply(result);
                if (result.length() > MOST_GROWTH * (text.length() + 1000L)) {
                    throw new UnsupportedModelException(
                            "the tokenizer's normalizer makes a text more than " + MOST_GROWTH + " times as long",
                            "use a model with one of the usual tokenizers");
                }
            }
            return result;
        };
    }

    static TextNormalizer form(Normalizer.Form form) {
        return text -> Normalizer.normalize(text, form);
    }

    static TextNormalizer prepend(String prefix) {
        return text -> text.isEmpty() ? text : prefix + text;
    }

    static TextNormalizer replace(SplitPattern pattern, String replacement) {
        return text -> {
            StringBuilder result = new StringBuilder(text.length());
            int[] copied = {0};
            pattern.find(text, 0, text.length(), (from, to) -> {
                result.append(text, copied[0], from).append(replacement);
                copied[0] = to;
            });
            return result.append(text, copied[0], text.length()).toString();
        };
    }

    static TextNormalizer lowercase() {
        return text -> text.toLowerCase(Locale.ROOT);
    }

    static TextNormalizer strip(boolean left, boolean right) {
        return text -> {
            int from = 0;
            int to = text.length();
            while (left && from < to && CodePointSet.isWhiteSpace(text.charAt(from))) {
                from++;
            }
            while (right && to > from && CodePointSet.isWhiteSpace(text.charAt(to - 1))) {
                to--;
            }
            return text.substring(from, to);
        };
    }

    /** Drops non-spacing marks; meaningful after NFD. */
    static TextNormalizer stripAccents() {
        return text -> {
            StringBuilder result = new StringBuilder(text.length());
            text.codePoints()
                    .filter(codePoint -> Character.getType(codePoint) != Character.NON_SPACING_MARK)
                    .forEach(result::appendCodePoint);
            return result.toString();
        };
    }

    /** SentencePiece's remove_extra_whitespaces: no space at either end, single spaces between. */
    static TextNormalizer collapseSpaces() {
        return text -> {
            StringBuilder result = new StringBuilder(text.length());
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                if (c != ' ' || !result.isEmpty() && result.charAt(result.length() - 1) != ' ') {
                    result.append(c);
                }
            }
            int length = result.length();
            return result.substring(0, length > 0 && result.charAt(length - 1) == ' ' ? length - 1 : length);
        };
    }

    /** BERT's cleaning: control characters dropped, white space to spaces. */
    static TextNormalizer bertClean() {
        return text -> {
            StringBuilder result = new StringBuilder(text.length());
            text.codePoints().forEach(codePoint -> {
                if (CodePointSet.isWhiteSpace(codePoint)) {
                    result.append(' ');
                } else if (codePoint != 0 && codePoint != 0xFFFD && !isControl(codePoint)) {
                    result.appendCodePoint(codePoint);
                }
            });
            return result.toString();
        };
    }

    /** A space on each side of every CJK ideograph. */
    static TextNormalizer spaceIdeographs() {
        return text -> {
            StringBuilder result = new StringBuilder(text.length());
            text.codePoints().forEach(codePoint -> {
                if (isIdeograph(codePoint)) {
                    result.append(' ').appendCodePoint(codePoint).append(' ');
                } else {
                    result.appendCodePoint(codePoint);
                }
            });
            return result.toString();
        };
    }

    private static boolean isControl(int codePoint) {
        int type = Character.getType(codePoint);
        return type == Character.CONTROL
                || type == Character.FORMAT
                || type == Character.UNASSIGNED
                || type == Character.PRIVATE_USE
                || type == Character.SURROGATE;
    }

    /** The blocks that BERT treats so. */
    private static boolean isIdeograph(int codePoint) {
        return codePoint >= 0x4E00 && codePoint <= 0x9FFF
                || codePoint >= 0x3400 && codePoint <= 0x4DBF
                || codePoint >= 0x20000 && codePoint <= 0x2A6DF
                || codePoint >= 0x2A700 && codePoint <= 0x2B73F
                || codePoint >= 0x2B740 && codePoint <= 0x2B81F
                || codePoint >= 0x2B920 && codePoint <= 0x2CEAF
                || codePoint >= 0xF900 && codePoint <= 0xFAFF
                || codePoint >= 0x2F800 && codePoint <= 0x2FA1F;
    }
}
