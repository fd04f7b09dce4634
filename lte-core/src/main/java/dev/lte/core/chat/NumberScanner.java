package dev.lte.core.chat;

/** Number literals of Jinja: decimal, 0b, 0o and 0x integers, floats, with {@code _} between digits. */
final class NumberScanner {
    private NumberScanner() {}

    /** Where the float at {@code pos} ends, or {@code pos} if there is none. */
    static int floatEnd(String source, int pos) {
        int end = digits(source, pos, 10);
        int integer = end;
        if (end < source.length() && source.charAt(end) == '.') {
            int fraction = digits(source, end + 1, 10);
            end = fraction > end + 1 ? fraction : end;
        }
        if (end < source.length() && (source.charAt(end) | 0x20) == 'e') {
            int exponent = end + 1;
            if (exponent < source.length() && (source.charAt(exponent) == '+' || source.charAt(exponent) == '-')) {
                exponent++;
            }
            int behind = digits(source, exponent, 10);
            end = behind > exponent ? behind : end;
        }
        return end == integer ? pos : end;
    }

    static int integerEnd(String source, int pos) {
        if (source.charAt(pos) != '0') {
            return digits(source, pos, 10);
        }
        int radix = pos + 1 < source.length() ? radix(source.charAt(pos + 1)) : 0;
        if (radix > 0) {
            int from = pos + 2;
            if (from < source.length() && source.charAt(from) == '_') {
                from++;
            }
            int end = digits(source, from, radix);
            if (end > from) {
                return end;
            }
        }
        return digits(source, pos, 1);
    }

    /** The value of a literal without {@code _}. */
    static Long integer(String literal, int line) {
        try {
            int radix = literal.length() > 2 ? radix(literal.charAt(1)) : 0;
            return radix > 0 ? Long.parseLong(literal.substring(2), radix) : Long.parseLong(literal);
        } catch (NumberFormatException e) {
            throw Problems.unsupported(line, "the integer " + literal + ", which needs more than 64 bits,");
        }
    }

    private static int radix(char marker) {
        return switch (marker) {
            case 'b', 'B' -> 2;
            case 'o', 'O' -> 8;
            case 'x', 'X' -> 16;
            default -> 0;
        };
    }

    /** Skips digits below {@code radix} with single underscores between them; radix 1 is zeros only. */
    private static int digits(String source, int pos, int radix) {
        int i = pos;
        while (i < source.length()) {
            int digit = i > pos && source.charAt(i) == '_' ? i + 1 : i;
            if (digit >= source.length()
                    || source.charAt(digit) > 'f'
                    || Character.digit(source.charAt(digit), 16) < 0
                    || Character.digit(source.charAt(digit), 16) >= radix) {
                break;
            }
            i = digit + 1;
        }
        return i;
    }
}
