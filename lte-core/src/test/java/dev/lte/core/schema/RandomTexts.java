package dev.lte.core.schema;

import dev.lte.core.token.VocabularyTokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;

/** Writes texts by drawing from the allowed tokens, as an untrained model would; turns to closing tokens once a text is long. */
final class RandomTexts {
    private static final int MANY = 5000;

    private final VocabularyTokenizer tokenizer;
    private final long[] mask;
    long masks;

    RandomTexts(VocabularyTokenizer tokenizer) {
        this.tokenizer = tokenizer;
        mask = new long[(tokenizer.size() + 63) >> 6];
    }

    byte[] write(TokenConstraint constraint, int length, SplittableRandom random) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (int tokens = 0; !constraint.isComplete(); tokens++) {
            if (tokens > MANY) {
                throw new AssertionError("no end: " + text.toString(StandardCharsets.UTF_8));
            }
            constraint.writeMask(mask);
            masks++;
            if (tokens >= length && constraint.canEnd()) {
                break;
            }
            int id = tokens >= length && random.nextInt(3) > 0 ? closing(random) : -1;
            id = id >= 0 ? id : draw(random);
            if (id < 0) {
                throw new AssertionError("nothing may follow: " + text.toString(StandardCharsets.UTF_8));
            }
            constraint.accept(id);
            text.writeBytes(tokenizer.bytes(id));
        }
        return text.toByteArray();
    }

    private int draw(SplittableRandom random) {
        int allowed = 0;
        for (long word : mask) {
            allowed += Long.bitCount(word);
        }
        if (allowed == 0) {
            return -1;
        }
        int at = random.nextInt(allowed);
        for (int word = 0; ; word++) {
            int count = Long.bitCount(mask[word]);
            if (at < count) {
                long bits = mask[word];
                for (; at > 0; at--) {
                    bits &= bits - 1;
                }
                return 64 * word + Long.numberOfTrailingZeros(bits);
            }
            at -= count;
        }
    }

    /** A token that is one closing character, or -1. */
    private int closing(SplittableRandom random) {
        int found = -1;
        int count = 0;
        for (int word = 0; word < mask.length; word++) {
            for (long bits = mask[word]; bits != 0; bits &= bits - 1) {
                int id = 64 * word + Long.numberOfTrailingZeros(bits);
                byte[] bytes = tokenizer.bytes(id);
                if (bytes.length == 1 && (bytes[0] == '"' || bytes[0] == '}' || bytes[0] == ']')) {
                    count++;
                    if (random.nextInt(count) == 0) {
                        found = id;
                    }
                }
            }
        }
        return found;
    }
}
