package dev.lte.core.chat;

/**
 * Limits of one rendering, so that no template can hang the process or fill its memory. A step is one evaluated node,
 * one element of a walked sequence, or 32 characters of text read or made.
 */
final class Budget {
    static final int MAX_OUTPUT_CHARS = 16 << 20;
    static final long MAX_STEPS = 10_000_000;
    static final long MAX_TEXT_CHARS = 128L << 20;
    static final int MAX_RANGE = 100_000;
    private static final int MAX_DEPTH = 600;

    private long steps;
    private long chars;
    private int depth;

    void step() {
        steps(1);
    }

    void steps(long count) {
        steps += count;
        if (steps > MAX_STEPS) {
            throw PyError.limit("more than " + MAX_STEPS + " steps");
        }
    }

    /** Charges for reading {@code length} characters. */
    void read(long length) {
        steps(1 + length / 32);
    }

    /** Charges for a search of {@code part} characters in {@code text}, which may cost the product of both. */
    void search(long text, long part) {
        read(text * (part > 64 ? part / 16 : 1));
    }

    /** Charges for a text of {@code length} characters before it is made. */
    void text(long length) {
        if (length > MAX_OUTPUT_CHARS) {
            throw PyError.limit("a text of more than " + MAX_OUTPUT_CHARS + " characters");
        }
        read(length);
        chars += length;
        if (chars > MAX_TEXT_CHARS) {
            throw PyError.limit("more than " + MAX_TEXT_CHARS + " characters of intermediate text");
        }
    }

    /** Refuses a text under construction that has grown beyond the limit. */
    void check(StringBuilder text) {
        if (text.length() > MAX_OUTPUT_CHARS) {
            text(text.length());
        }
    }

    void enter() {
        if (++depth > MAX_DEPTH) {
            throw PyError.limit("expressions, macros or values nested deeper than " + MAX_DEPTH);
        }
    }

    void exit() {
        depth--;
    }
}
