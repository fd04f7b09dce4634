package dev.lte.core.schema;

import dev.lte.core.token.VocabularyTokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A tokenizer's tokens as a grammar sees them: bytes in tries. Special tokens have no bytes in a text; here they are
 * {@link #SPECIAL} and the digits of their id as bytes from {@link #DIGIT} on, none of which UTF-8 has. Tokens of plain text, which the inside of any JSON
 * string takes, stand in tries of their own by length, so that they can be allowed without a walk. Immutable.
 */
final class ConstraintVocabulary {
    static final int SPECIAL = 0xFF;
    static final int DIGIT = 0xF8;
    static final int DIGITS = 8;
    private static final int BASE = SPECIAL - DIGIT;

    /** Longest texts of the tries of plain tokens, in characters. */
    private static final int[] LENGTHS = {4, 10, Integer.MAX_VALUE};

    private record Plain(int longest, long[] ids, TokenTrie trie) {}

    private final byte[][] bytes;
    private final Plain[] plain;
    private final TokenTrie others;
    private final boolean[] available = new boolean[256];
    private final long[] ends;
    /** By what they are written as. */
    private final Map<String, Integer> specials = new TreeMap<>();

    ConstraintVocabulary(VocabularyTokenizer tokenizer) {
        int size = tokenizer.size();
        bytes = new byte[size][];
        ends = new long[(size + 63) >> 6];
        for (int id : tokenizer.endOfTextIds()) {
            ends[id >> 6] |= 1L << id;
        }
        List<List<Integer>> groups = new ArrayList<>();
        for (int i = 0; i <= LENGTHS.length; i++) {
            groups.add(new ArrayList<>());
        }
        for (int id = 0; id < size; id++) {
            boolean special = tokenizer.isSpecial(id);
            bytes[id] = special ? specialBytes(id) : tokenizer.bytes(id);
            if (special && !tokenizer.piece(id).isEmpty()) {
                specials.put(tokenizer.piece(id), id);
            }
            boolean usable = bytes[id].length > 0 && bytes[id].length <= Short.MAX_VALUE && !isEnd(id);
            if (usable && (special || isText(bytes[id]))) {
                groups.get(group(bytes[id])).add(id);
            }
            if (bytes[id].length == 1) {
                available[bytes[id][0] & 0xFF] = true;
            }
        }
        // The digits of an id come in one token.
        Arrays.fill(available, DIGIT, SPECIAL + 1, true);
        plain = new Plain[LENGTHS.length];
        for (int i = 0; i < plain.length; i++) {
            plain[i] = new Plain(LENGTHS[i], bits(groups.get(i)), trie(groups.get(i)));
        }
        others = trie(groups.get(plain.length));
    }

    private static byte[] specialBytes(int id) {
        byte[] spelled = new byte[1 + DIGITS];
        spelled[0] = (byte) SPECIAL;
        int rest = id;
        for (int i = DIGITS; i > 0; i--) {
            spelled[i] = (byte) (DIGIT + rest % BASE);
            rest /= BASE;
        }
        return spelled;
    }

    /** Whether no byte is one of those that spell special tokens. */
    private static boolean isText(byte[] token) {
        for (byte value : token) {
            if ((value & 0xFF) >= DIGIT) {
                return false;
            }
        }
        return true;
    }

    private long[] bits(List<Integer> ids) {
        long[] mask = new long[ends.length];
        for (int id : ids) {
            mask[id >> 6] |= 1L << id;
        }
        return mask;
    }

    private TokenTrie trie(List<Integer> ids) {
        return new TokenTrie(ids.stream().mapToInt(Integer::intValue).toArray(), bytes);
    }

    /** Which trie of plain text, or the one behind them. */
    private static int group(byte[] token) {
        String text = new String(token, StandardCharsets.UTF_8);
        boolean isText = Arrays.equals(token, text.getBytes(StandardCharsets.UTF_8));
        if (!isText || text.chars().anyMatch(c -> c < 0x20 || c == '"' || c == '\\')) {
            return LENGTHS.length;
        }
        int length = text.codePointCount(0, text.length());
        int group = 0;
        while (length > LENGTHS[group]) {
            group++;
        }
        return group;
    }

    int maskLength() {
        return ends.length;
    }

    boolean isToken(int id) {
        return id >= 0 && id < bytes.length;
    }

    boolean isEnd(int id) {
        return (ends[id >> 6] >>> id & 1) != 0;
    }

    byte[] bytes(int id) {
        return bytes[id];
    }

    /** Which bytes are a token by themselves. */
    boolean[] available() {
        return available;
    }

    /** The tokens that may follow. */
    void allow(PushdownAutomaton automaton, Configuration from, long[] mask) {
        for (Plain group : plain) {
            if (from.room >= group.longest()) {
                for (int i = 0; i < mask.length; i++) {
                    mask[i] |= group.ids()[i];
                }
            } else {
                group.trie().allow(automaton, from, mask);
            }
        }
        others.allow(automaton, from, mask);
        if (from.canEnd) {
            for (int i = 0; i < mask.length; i++) {
                mask[i] |= ends[i];
            }
        }
    }

    /** A text that a grammar prescribes, in which special tokens may be written out. */
    byte[] spell(String text) {
        ByteArrayOutputStream spelled = new ByteArrayOutputStream();
        int at = 0;
        while (at < text.length()) {
            int id = -1;
            int length = 0;
            for (Map.Entry<String, Integer> special : specials.entrySet()) {
                if (special.getKey().length() > length && text.startsWith(special.getKey(), at)) {
                    id = special.getValue();
                    length = special.getKey().length();
                }
            }
            if (length == 0) {
                int codePoint = text.codePointAt(at);
                spelled.writeBytes(Character.toString(codePoint).getBytes(StandardCharsets.UTF_8));
                at += Character.charCount(codePoint);
            } else {
                spelled.writeBytes(specialBytes(id));
                at += length;
            }
        }
        return spelled.toByteArray();
    }
}
