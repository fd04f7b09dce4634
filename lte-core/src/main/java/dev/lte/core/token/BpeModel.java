package dev.lte.core.token;

import java.nio.charset.StandardCharsets;

/**
 * Byte-pair encoding: begins with the tokens of single bytes or characters and applies the merge of the lowest rank,
 * leftmost among equals, until none applies.
 */
final class BpeModel implements WordModel {
    private final boolean byteLevel;
    private final int[] tokenOfByte = new int[256];
    private final PieceIndex index;
    private final PairTable merges;
    private final boolean ignoreMerges;
    private final Fallback fallback;
    private final WordCache cache = new WordCache();

    /**
     * @param byteLevel whether words begin as bytes spelled in {@link ByteAlphabet}, not as characters
     * @param index all tokens that text can become
     * @param merges (left id, right id) to {@code rank << 32 | merged id}
     * @param ignoreMerges whether a word that is a token as it stands becomes that token
     * @param fallback for characters, or bytes, without a token
     */
    BpeModel(boolean byteLevel, PieceIndex index, PairTable merges, boolean ignoreMerges, Fallback fallback) {
        this.byteLevel = byteLevel;
        this.index = index;
        this.merges = merges;
        this.ignoreMerges = ignoreMerges;
        this.fallback = fallback;
        for (int value = 0; value < 256; value++) {
            tokenOfByte[value] = index.find(String.valueOf(ByteAlphabet.character(value)));
        }
    }

    @Override
    public void encode(String text, int from, int to, MergeWorkspace work, Ids out) {
        int[] cached = cache.get(text, from, to);
        if (cached != null) {
            out.addAll(cached);
            return;
        }
        int begin = out.size();
        if (ignoreMerges) {
            String spelled = byteLevel ? ByteAlphabet.spell(text, from, to) : text.substring(from, to);
            int whole = index.find(spelled);
            if (whole >= 0) {
                out.add(whole);
                cache.put(text, from, to, out.tail(begin));
                return;
            }
        }
        if (byteLevel) {
            encodeBytes(text.substring(from, to), work, out);
        } else {
            encodeCharacters(text, from, to, work, out);
        }
        cache.put(text, from, to, out.tail(begin));
    }

    private void encodeBytes(String word, MergeWorkspace work, Ids out) {
        byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
        work.reset(bytes.length);
        for (int i = 0; i < bytes.length; i++) {
            work.add(tokenOfByte[bytes[i] & 0xFF], i);
        }
        work.run(this::merge);
        boolean afterUnknown = false;
        for (int i = work.isEmpty() ? -1 : 0; i >= 0; i = work.next(i)) {
            if (work.symbol(i) >= 0) {
                out.add(work.symbol(i));
                afterUnknown = false;
            } else {
                String spelled = String.valueOf(ByteAlphabet.character(bytes[work.start(i)]));
                afterUnknown = fallback.encode(spelled, 0, 1, afterUnknown, out);
            }
        }
    }

    private void encodeCharacters(String text, int from, int to, MergeWorkspace work, Ids out) {
        work.reset(to);
        Ids fallbackIds = new Ids();
        boolean afterUnknown = false;
        for (int i = from; i < to; ) {
            int end = i + Character.charCount(text.codePointAt(i));
            int id = index.find(text, i, end);
            if (id >= 0) {
                work.add(id, i);
                afterUnknown = false;
            } else {
                int begin = fallbackIds.size();
                afterUnknown = fallback.encode(text, i, end, afterUnknown, fallbackIds);
                for (int fallbackId : fallbackIds.tail(begin)) {
                    work.add(fallbackId, i);
                }
            }
            i = end;
        }
        work.run(this::merge);
        for (int i = work.isEmpty() ? -1 : 0; i >= 0; i = work.next(i)) {
            out.add(work.symbol(i));
        }
    }

    private long merge(MergeWorkspace work, int left, int right) {
        int leftId = work.symbol(left);
        return leftId < 0 ? MergeWorkspace.NO_MERGE : merges.get(leftId, work.symbol(right));
    }
}
