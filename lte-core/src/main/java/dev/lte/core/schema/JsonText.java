package dev.lte.core.schema;

import java.nio.charset.StandardCharsets;

/**
 * How a character is written in a JSON string. There is one way for each: as itself in UTF-8 where JSON allows it, else the
 * shortest escape. So texts that come from patterns, formats, lengths and names can be compared byte by byte.
 */
final class JsonText {
    private static final String HEX = "0123456789abcdef";
    private static final int[] LIMITS = {0x7F, 0x7FF, 0xFFFF, Character.MAX_CODE_POINT};

    private JsonText() {}

    /** Edges for each character of a set. */
    static void characters(Nfa nfa, int from, CodePoints set, int to) {
        Escapes escapes = new Escapes(nfa, from, to);
        for (int[] range : set.bounds()) {
            int begin = range[0];
            for (; begin <= range[1] && begin < 0x20; begin++) {
                escapes.add(begin);
            }
            for (int special : new int[] {'"', '\\'}) {
                if (special >= begin && special <= range[1]) {
                    utf8(nfa, from, begin, special - 1, to);
                    escapes.add(special);
                    begin = special + 1;
                }
            }
            utf8(nfa, from, begin, range[1], to);
        }
    }

    /** Escapes from one state to another, with one path for what they have in common. */
    private static final class Escapes {
        private final Nfa nfa;
        private final int from;
        private final int to;
        private int backslash = -1;
        private int zeros = -1;
        private final int[] high = {-1, -1};

        Escapes(Nfa nfa, int from, int to) {
            this.nfa = nfa;
            this.from = from;
            this.to = to;
        }

        void add(int character) {
            backslash = backslash < 0 ? nfa.literal(from, "\\") : backslash;
            String text = escape(character);
            int end = text.charAt(text.length() - 1);
            if (text.length() == 2) {
                nfa.bytes(backslash, end, end, to);
                return;
            }
            zeros = zeros < 0 ? nfa.literal(backslash, "u00") : zeros;
            int first = character >> 4;
            high[first] = high[first] < 0 ? nfa.literal(zeros, Integer.toString(first)) : high[first];
            nfa.bytes(high[first], end, end, to);
        }
    }

    private static String escape(int character) {
        return switch (character) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\b' -> "\\b";
            case '\f' -> "\\f";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> "\\u00" + HEX.charAt(character >> 4) + HEX.charAt(character & 15);
        };
    }

    /** A string with its quotes. */
    static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.codePoints()
                .forEach(c -> quoted.append(c < 0x20 || c == '"' || c == '\\' ? escape(c) : Character.toString(c)));
        return quoted.append('"').toString();
    }

    /** Edges for the characters {@code first} to {@code last} in UTF-8; none if there are none. */
    private static void utf8(Nfa nfa, int from, int first, int last, int to) {
        int begin = first;
        for (int limit : LIMITS) {
            if (begin <= last && begin <= limit) {
                sameLength(nfa, from, bytes(begin), bytes(Math.min(last, limit)), 0, to);
                begin = limit + 1;
            }
        }
    }

    private static byte[] bytes(int codePoint) {
        return Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
    }

    /** Sequences between two of the same length, which agree before {@code at}. */
    private static void sameLength(Nfa nfa, int from, byte[] first, byte[] last, int at, int to) {
        int low = first[at] & 0xFF;
        int high = last[at] & 0xFF;
        if (at == first.length - 1) {
            nfa.bytes(from, low, high, to);
        } else if (low == high) {
            int next = nfa.state();
            nfa.bytes(from, low, low, next);
            sameLength(nfa, next, first, last, at + 1, to);
        } else {
            boolean wholeFirst = isEdge(first, at + 1, 0x80);
            boolean wholeLast = isEdge(last, at + 1, 0xBF);
            if (!wholeFirst) {
                int next = nfa.state();
                nfa.bytes(from, low, low, next);
                sameLength(nfa, next, first, filled(first, at + 1, 0xBF), at + 1, to);
                low++;
            }
            if (!wholeLast) {
                int next = nfa.state();
                nfa.bytes(from, high, high, next);
                sameLength(nfa, next, filled(last, at + 1, 0x80), last, at + 1, to);
                high--;
            }
            if (low <= high) {
                int next = nfa.state();
                nfa.bytes(from, low, high, next);
                sameLength(nfa, next, filled(first, at + 1, 0x80), filled(first, at + 1, 0xBF), at + 1, to);
            }
        }
    }

    private static boolean isEdge(byte[] bytes, int from, int value) {
        for (int i = from; i < bytes.length; i++) {
            if ((bytes[i] & 0xFF) != value) {
                return false;
            }
        }
        return true;
    }

    private static byte[] filled(byte[] bytes, int from, int value) {
        byte[] filled = bytes.clone();
        for (int i = from; i < filled.length; i++) {
            filled[i] = (byte) value;
        }
        return filled;
    }
}
