package dev.lte.core.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Functions of Python's str; positions and lengths count code points. */
final class PyStrings {
    private PyStrings() {}

    /** {@code str.isspace} of one character. */
    static boolean isSpace(int c) {
        return switch (c) {
            case ' ', '\t', '\n', '\u000b', '\f', '\r', 0x1c, 0x1d, 0x1e, 0x1f, 0x85, 0xa0 -> true;
            case 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 -> true;
            default -> c >= 0x2000 && c <= 0x200a;
        };
    }

    /** Whether something follows {@code from} and all of it is whitespace. */
    static boolean isBlank(String s, int from) {
        return from < s.length() && s.chars().skip(from).allMatch(PyStrings::isSpace);
    }

    /** {@code strip}, {@code lstrip}, {@code rstrip}: null strips whitespace, else any of the characters given. */
    static String strip(String s, @Nullable String chars, boolean left, boolean right) {
        int start = 0;
        int end = s.length();
        while (left && start < end && strips(s.codePointAt(start), chars)) {
            start += Character.charCount(s.codePointAt(start));
        }
        while (right && end > start && strips(s.codePointBefore(end), chars)) {
            end -= Character.charCount(s.codePointBefore(end));
        }
        return s.substring(start, end);
    }

    private static boolean strips(int c, @Nullable String chars) {
        return chars == null ? isSpace(c) : chars.indexOf(c) >= 0;
    }

    static int length(String s) {
        return s.codePointCount(0, s.length());
    }

    /** The character at a code point index that has been checked. */
    static String charAt(String s, int index) {
        return Character.toString(s.codePointAt(s.offsetByCodePoints(0, index)));
    }

    /** {@code s.split(separator, limit)}; null splits at runs of whitespace, a negative limit is none. */
    static List<@Nullable Object> split(String s, @Nullable String separator, long limit) {
        List<@Nullable Object> parts = new ArrayList<>();
        if (separator == null) {
            int i = skip(s, 0, true);
            while (i < s.length()) {
                if (limit >= 0 && parts.size() >= limit) {
                    parts.add(s.substring(i));
                    break;
                }
                int end = skip(s, i, false);
                parts.add(s.substring(i, end));
                i = skip(s, end, true);
            }
            return parts;
        }
        requireSeparator(separator);
        int from = 0;
        int at = s.indexOf(separator);
        while (at >= 0 && (limit < 0 || parts.size() < limit)) {
            parts.add(s.substring(from, at));
            from = at + separator.length();
            at = s.indexOf(separator, from);
        }
        parts.add(s.substring(from));
        return parts;
    }

    private static int skip(String s, int from, boolean space) {
        int i = from;
        while (i < s.length() && isSpace(s.charAt(i)) == space) {
            i++;
        }
        return i;
    }

    /** {@code s.rsplit(separator, limit)}: like {@code split}, found from the right. */
    static List<@Nullable Object> rsplit(String s, @Nullable String separator, long maximum) {
        long limit = maximum < 0 ? Long.MAX_VALUE : maximum;
        List<@Nullable Object> parts = new ArrayList<>();
        int end = s.length();
        if (separator == null) {
            end = skipBack(s, end, true);
            while (end > 0) {
                if (parts.size() >= limit) {
                    parts.add(s.substring(0, end));
                    break;
                }
                int start = skipBack(s, end, false);
                parts.add(s.substring(start, end));
                end = skipBack(s, start, true);
            }
            return new ArrayList<>(parts.reversed());
        }
        requireSeparator(separator);
        int at = s.lastIndexOf(separator);
        while (at >= 0 && parts.size() < limit) {
            parts.add(s.substring(at + separator.length(), end));
            end = at;
            at = end < separator.length() ? -1 : s.lastIndexOf(separator, end - separator.length());
        }
        parts.add(s.substring(0, end));
        return new ArrayList<>(parts.reversed());
    }

    private static int skipBack(String s, int from, boolean space) {
        int i = from;
        while (i > 0 && isSpace(s.charAt(i - 1)) == space) {
            i--;
        }
        return i;
    }

    private static void requireSeparator(String separator) {
        if (separator.isEmpty()) {
            throw PyError.invalid("empty separator");
        }
    }

    static List<@Nullable Object> splitlines(String s, boolean keepEnds) {
        List<@Nullable Object> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < s.length(); i++) {
            if (isLineEnd(s.charAt(i))) {
                int end = s.charAt(i) == '\r' && i + 1 < s.length() && s.charAt(i + 1) == '\n' ? i + 2 : i + 1;
                lines.add(s.substring(start, keepEnds ? end : i));
                start = end;
                i = end - 1;
            }
        }
        if (start < s.length()) {
            lines.add(s.substring(start));
        }
        return lines;
    }

    private static boolean isLineEnd(char c) {
        return c == '\n'
                || c == '\r'
                || c == '\u000b'
                || c == '\f'
                || c >= 0x1c && c <= 0x1e
                || c == 0x85
                || c == 0x2028
                || c == 0x2029;
    }

    /** {@code s.replace(old, replacement, count)}; a negative count is all. */
    static String replace(Budget budget, String s, String old, String replacement, long count) {
        budget.search(s.length(), old.length());
        long limit = count < 0 ? Long.MAX_VALUE : count;
        StringBuilder out = new StringBuilder();
        int from = 0;
        if (old.isEmpty()) {
            budget.text(s.length() + Math.min(limit, s.length() + 1L) * replacement.length());
            for (long done = 0; done < limit; done++) {
                out.append(replacement);
                if (from >= s.length()) {
                    break;
                }
                int next = s.offsetByCodePoints(from, 1);
                out.append(s, from, next);
                from = next;
            }
            return out.append(s, from, s.length()).toString();
        }
        int at = s.indexOf(old);
        for (long done = 0; at >= 0 && done < limit; done++) {
            budget.text(replacement.length());
            budget.check(out);
            out.append(s, from, at).append(replacement);
            from = at + old.length();
            at = s.indexOf(old, from);
        }
        budget.text(out.length() + (long) s.length() - from);
        return from == 0 ? s : out.append(s, from, s.length()).toString();
    }

    static String upper(String s) {
        return s.toUpperCase(Locale.ROOT);
    }

    static String lower(String s) {
        return s.toLowerCase(Locale.ROOT);
    }

    /** {@code str.title}: each run of cased characters begins with title case. */
    static String title(String s) {
        StringBuilder out = new StringBuilder(s.length());
        boolean afterCased = false;
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            i += Character.charCount(c);
            out.append(afterCased ? lower(Character.toString(c)) : titleCase(c));
            afterCased = isCased(c);
        }
        return out.toString();
    }

    static String capitalize(String s) {
        if (s.isEmpty()) {
            return s;
        }
        int end = s.offsetByCodePoints(0, 1);
        return titleCase(s.codePointAt(0)) + lower(s.substring(end));
    }

    /** The filter {@code title}: words begin after whitespace, hyphens and opening brackets. */
    static String titleWords(String s) {
        StringBuilder out = new StringBuilder(s.length());
        boolean begin = true;
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            i += Character.charCount(c);
            boolean separator = isSpace(c) || "-({[<".indexOf(c) >= 0;
            String text = Character.toString(c);
            out.append(begin && !separator ? upper(text) : lower(text));
            begin = separator;
        }
        return out.toString();
    }

    private static String titleCase(int c) {
        int title = Character.toTitleCase(c);
        if (title != c || Character.isTitleCase(c)) {
            return Character.toString(title);
        }
        String upper = upper(Character.toString(c));
        return length(upper) > 1 ? upper.charAt(0) + lower(upper.substring(1)) : upper;
    }

    static String swapcase(String s) {
        StringBuilder out = new StringBuilder(s.length());
        s.codePoints().forEach(c -> {
            String text = Character.toString(c);
            out.append(Character.isUpperCase(c) ? lower(text) : Character.isLowerCase(c) ? upper(text) : text);
        });
        return out.toString();
    }

    private static boolean isCased(int c) {
        return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }

    static boolean isLower(String s) {
        return s.codePoints().anyMatch(PyStrings::isCased)
                && s.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }

    static boolean isUpper(String s) {
        return s.codePoints().anyMatch(PyStrings::isCased)
                && s.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }

    /** {@code str.isdigit}, {@code isnumeric}: which characters beyond decimal digits count is not known to Java. */
    static boolean isDigits(String s) {
        s.codePoints().forEach(c -> {
            int type = Character.getType(c);
            if (type == Character.OTHER_NUMBER || type == Character.LETTER_NUMBER || c > 0x2e7f) {
                throw PyError.unsupported("asking whether '" + Character.toString(c) + "' is a digit");
            }
        });
        return isDecimal(s);
    }

    static boolean isDecimal(String s) {
        return !s.isEmpty() && s.codePoints().allMatch(Character::isDigit);
    }

    static boolean isAlpha(String s) {
        return !s.isEmpty() && s.codePoints().allMatch(Character::isLetter);
    }

    static boolean isAlnum(String s) {
        return !s.isEmpty()
                && s.codePoints()
                        .allMatch(c -> Character.isLetterOrDigit(c)
                                || Character.getType(c) == Character.OTHER_NUMBER
                                || Character.getType(c) == Character.LETTER_NUMBER);
    }

    static String escapeHtml(String s) {
        StringBuilder out = new StringBuilder(s.length());
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '\'' -> out.append("&#39;");
                case '"' -> out.append("&#34;");
                default -> out.append(c);
            }
        }
        return out.toString();
    }
}
