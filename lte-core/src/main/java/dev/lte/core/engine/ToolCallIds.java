package dev.lte.core.engine;

/** Ids of tool calls: nine letters and digits, which is all that some chat templates take. */
final class ToolCallIds {
    private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static final int LENGTH = 9;

    private ToolCallIds() {}

    /** The same for the same numbers; 62^9 ids, so that those of one conversation differ. */
    static String id(long seed, int index) {
        long z = seed + (index + 1) * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        z ^= z >>> 31;
        StringBuilder id = new StringBuilder(LENGTH);
        for (int i = 0; i < LENGTH; i++) {
            id.append(ALPHABET.charAt((int) Long.remainderUnsigned(z, ALPHABET.length())));
            z = Long.divideUnsigned(z, ALPHABET.length());
        }
        return id.toString();
    }
}
