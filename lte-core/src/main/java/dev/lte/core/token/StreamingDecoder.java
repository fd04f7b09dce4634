package dev.lte.core.token;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Turns generated ids into text as they come. Emits whole characters only: bytes that can still become one are held
 * back, at most three. Text that can still become a stop string is held back too; once one is complete, the text before
 * it is emitted and nothing after. All texts that were returned, joined, are what {@link dev.lte.Tokenizer#decode}
 * gives for all ids, cut before the first stop string.
 *
 * <p>One per generated text; not thread-safe.
 */
public final class StreamingDecoder {
    private final VocabularyTokenizer tokenizer;
    private final StopStrings stops;
    private byte[] pending = new byte[16];
    private int pendingSize;
    private boolean atBegin;

    /**
     * @param beginsText whether the ids begin a text, so that the artificial space of
     *     {@link VocabularyTokenizer#stripsLeadingSpace} is dropped; false if they continue a prompt that has text
     * @param stopStrings none empty
     */
    public StreamingDecoder(VocabularyTokenizer tokenizer, boolean beginsText, List<String> stopStrings) {
        this.tokenizer = tokenizer;
        stops = new StopStrings(stopStrings);
        atBegin = beginsText && tokenizer.stripsLeadingSpace();
    }

    /**
     * The text that became certain by one more id; empty once stopped.
     *
     * @throws dev.lte.InvalidRequestException if the id is outside the vocabulary
     */
    public String append(int tokenId) {
        byte[] bytes = tokenizer.bytes(tokenId);
        int from = 0;
        if (atBegin && bytes.length > 0) {
            atBegin = false;
            from = bytes[0] == ' ' ? 1 : 0;
        }
        int added = bytes.length - from;
        if (pendingSize + added > pending.length) {
            pending = Arrays.copyOf(pending, 2 * (pendingSize + added));
        }
        System.arraycopy(bytes, from, pending, pendingSize, added);
        pendingSize += added;
        int complete = pendingSize - incomplete();
        String text = new String(pending, 0, complete, StandardCharsets.UTF_8);
        System.arraycopy(pending, complete, pending, 0, pendingSize - complete);
        pendingSize -= complete;
        return stops.append(text);
    }

    /**
     * The text still held back; bytes that never became a character are U+FFFD. Nothing may be appended after, if there are stop
     * strings.
     */
    public String finish() {
        String text = new String(pending, 0, pendingSize, StandardCharsets.UTF_8);
        pendingSize = 0;
        return stops.append(text) + stops.finish();
    }

    /** Whether a stop string has come. */
    public boolean stopped() {
        return stops.matched() != null;
    }

    /** The stop string that has come, or null. */
    public @Nullable String matchedStop() {
        return stops.matched();
    }

    /** How many bytes at the end are the begin of a character that has not ended. */
    private int incomplete() {
        int lead = pendingSize - 1;
        while (lead >= 0 && lead > pendingSize - 4 && (pending[lead] & 0xC0) == 0x80) {
            lead--;
        }
        if (lead < 0) {
            return 0;
        }
        int value = pending[lead] & 0xFF;
        int length = value < 0xC2 ? 1 : value < 0xE0 ? 2 : value < 0xF0 ? 3 : value < 0xF5 ? 4 : 1;
        int present = pendingSize - lead;
        return present < length ? present : 0;
    }
}
