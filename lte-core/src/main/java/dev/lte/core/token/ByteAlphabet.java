package dev.lte.core.token;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The 256 printable characters in which byte-level vocabularies spell bytes (GPT-2's {@code bytes_to_unicode}):
 * printable Latin-1 stands for itself, the other 68 bytes for U+0100 onwards in order.
 */
final class ByteAlphabet {
    private static final int LIMIT = 0x100 + 68;
    private static final char[] CHARACTERS = characters();
    private static final short[] BYTES = bytes();

    private ByteAlphabet() {}

    static char character(int value) {
        return CHARACTERS[value & 0xFF];
    }

    /** The byte that a character stands for, or -1. */
    static int value(char character) {
        return character < LIMIT ? BYTES[character] : -1;
    }

    /** UTF-8 bytes of {@code text[from, to)}, each as its character. */
    static String spell(String text, int from, int to) {
        byte[] utf8 = text.substring(from, to).getBytes(StandardCharsets.UTF_8);
        char[] spelled = new char[utf8.length];
        for (int i = 0; i < utf8.length; i++) {
            spelled[i] = CHARACTERS[utf8[i] & 0xFF];
        }
        return new String(spelled);
    }

    /** The bytes that a piece spells; the UTF-8 of the piece itself if a character is none of the alphabet. */
    static byte[] unspell(String piece) {
        byte[] bytes = new byte[piece.length()];
        for (int i = 0; i < bytes.length; i++) {
            int value = value(piece.charAt(i));
            if (value < 0) {
                return piece.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) value;
        }
        return bytes;
    }

    private static char[] characters() {
        char[] characters = new char[256];
        int other = 0x100;
        for (int value = 0; value < 256; value++) {
            boolean printable = value >= '!' && value <= '~' || value >= 0xA1 && value != 0xAD;
            characters[value] = (char) (printable ? value : other++);
        }
        return characters;
    }

    private static short[] bytes() {
        short[] bytes = new short[LIMIT];
        Arrays.fill(bytes, (short) -1);
        for (int value = 0; value < 256; value++) {
            bytes[CHARACTERS[value]] = (short) value;
        }
        return bytes;
    }
}
