package dev.lte.core.chat;

/** Backslash escapes of string literals, as Python's {@code unicode-escape} codec reads them. */
final class StringEscapes {
    private StringEscapes() {}

    static String unescape(String literal, int line) {
        if (literal.indexOf('\\') < 0) {
            return literal;
        }
        StringBuilder out = new StringBuilder(literal.length());
        int i = 0;
        while (i < literal.length()) {
            char c = literal.charAt(i++);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char escape = literal.charAt(i++);
            switch (escape) {
                case '\n' -> {}
                case '\\', '\'', '"' -> out.append(escape);
                case 'n' -> out.append('\n');
                case 't' -> out.append('\t');
                case 'r' -> out.append('\r');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'a' -> out.append('\u0007');
                case 'v' -> out.append('\u000b');
                case 'x', 'u', 'U' -> {
                    int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : 8;
                    out.appendCodePoint(hex(literal, i, digits, line));
                    i += digits;
                }
                case 'N' -> throw Problems.unsupported(line, "the string escape \\N{...}");
                default -> {
                    if (escape >= '0' && escape <= '7') {
                        int end = i;
                        while (end < literal.length() && end < i + 2 && isOctal(literal.charAt(end))) {
                            end++;
                        }
                        out.append((char) Integer.parseInt(literal, i - 1, end, 8));
                        i = end;
                    } else {
                        out.append('\\').append(escape);
                    }
                }
            }
        }
        return out.toString();
    }

    private static boolean isOctal(char c) {
        return c >= '0' && c <= '7';
    }

    private static int hex(String literal, int from, int digits, int line) {
        int value = 0;
        for (int i = from; i < from + digits; i++) {
            int digit = i < literal.length() && literal.charAt(i) <= 'f' ? Character.digit(literal.charAt(i), 16) : -1;
            if (digit < 0 || value > 0x0fffffff) {
                throw Problems.syntax(line, digits + " hexadecimal digits after a backslash", "'" + literal + "'");
            }
            value = value << 4 | digit;
        }
        if (!Character.isValidCodePoint(value)) {
            throw Problems.syntax(line, "a code point up to 10ffff", Integer.toHexString(value));
        }
        if (value >= Character.MIN_SURROGATE && value <= Character.MAX_SURROGATE) {
            throw Problems.unsupported(line, "a string escape for half of a surrogate pair");
        }
        return value;
    }
}
