package dev.lte.core.token;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All that makes a tokenizer, in the terms of GGUF's {@code tokenizer.ggml.*} keys, whatever file it came from. Reading
 * what {@link #toGguf} gives makes a tokenizer with the same ids for every text.
 *
 * <p>Tokenizers from a tokenizer.json can have steps for which GGUF has no key (normalizers, splits by pattern, merges
 * over characters). They are kept as {@link #pipeline}: the tokenizer.json without vocabulary and merges, which stand
 * in {@code tokenizer.ggml.tokens} and {@code tokenizer.ggml.merges}. In GGUF it is the key {@value #PIPELINE_KEY},
 * which LTE reads first; the keys beside it serve other programs as far as they can.
 *
 * <p>Arrays must not be changed by callers.
 *
 * @param model {@code llama} (SentencePiece by scores), {@code gpt2} (byte-level merges) or {@code bert} (WordPiece)
 * @param pre name of the pre-tokenizer, for {@code gpt2}
 * @param tokens by id
 * @param scores by id, for {@code llama}
 * @param types by id, see {@code tokenizer.ggml.token_type}
 * @param merges by rank, two tokens with a space between
 * @param beginId added in front if {@code addBegin}, or -1
 * @param endId added behind if {@code addEnd}, or -1
 * @param unknownId or -1
 * @param paddingId or -1
 * @param addSpacePrefix whether SentencePiece puts a space in front of a text
 * @param removeExtraSpaces whether runs of spaces collapse
 * @param endOfTextIds the ids that end a generation
 * @param rightStripIds added tokens that swallow the white space behind them
 * @param pipeline see above, or null
 */
public record TokenizerMetadata(
        String model,
        @Nullable String pre,
        String[] tokens,
        float @Nullable [] scores,
        int[] types,
        String @Nullable [] merges,
        int beginId,
        int endId,
        int unknownId,
        int paddingId,
        boolean addBegin,
        boolean addEnd,
        boolean addSpacePrefix,
        boolean removeExtraSpaces,
        List<Integer> endOfTextIds,
        List<Integer> rightStripIds,
        @Nullable String pipeline) {

    /** LTE's own key for {@link #pipeline}. */
    public static final String PIPELINE_KEY = "lte.tokenizer.pipeline";

    /** LTE's own key for {@link #endOfTextIds}. */
    public static final String END_OF_TEXT_KEY = "lte.tokenizer.end_of_text_ids";

    /** LTE's own key for {@link #rightStripIds}. */
    public static final String RIGHT_STRIP_KEY = "lte.tokenizer.right_strip_ids";

    public TokenizerMetadata {
        endOfTextIds = List.copyOf(endOfTextIds);
        rightStripIds = List.copyOf(rightStripIds);
    }

    /**
     * The key-value pairs for a GGUF file, in order. Values are Boolean, String, Long (written as uint32), {@code
     * String[]}, {@code float[]} and {@code int[]} (written as int32).
     */
    public Map<String, Object> toGguf() {
        Map<String, Object> pairs = new LinkedHashMap<>();
        pairs.put("tokenizer.ggml.model", model);
        put(pairs, "tokenizer.ggml.pre", pre);
        pairs.put("tokenizer.ggml.tokens", tokens);
        put(pairs, "tokenizer.ggml.scores", scores);
        pairs.put("tokenizer.ggml.token_type", types);
        put(pairs, "tokenizer.ggml.merges", merges);
        boolean bert = model.equals("bert");
        putId(pairs, bert ? "tokenizer.ggml.cls_token_id" : "tokenizer.ggml.bos_token_id", beginId);
        putId(pairs, bert ? "tokenizer.ggml.seperator_token_id" : "tokenizer.ggml.eos_token_id", endId);
        putId(pairs, "tokenizer.ggml.unknown_token_id", unknownId);
        putId(pairs, "tokenizer.ggml.padding_token_id", paddingId);
        pairs.put("tokenizer.ggml.add_bos_token", addBegin);
        pairs.put("tokenizer.ggml.add_eos_token", addEnd);
        pairs.put("tokenizer.ggml.add_space_prefix", addSpacePrefix);
        if (removeExtraSpaces) {
            pairs.put("tokenizer.ggml.remove_extra_whitespaces", true);
        }
        putIds(pairs, END_OF_TEXT_KEY, endOfTextIds);
        putIds(pairs, RIGHT_STRIP_KEY, rightStripIds);
        put(pairs, PIPELINE_KEY, pipeline);
        return pairs;
    }

    private static void put(Map<String, Object> pairs, String key, @Nullable Object value) {
        if (value != null) {
            pairs.put(key, value);
        }
    }

    private static void putId(Map<String, Object> pairs, String key, int id) {
        if (id >= 0) {
            pairs.put(key, (long) id);
        }
    }

    private static void putIds(Map<String, Object> pairs, String key, List<Integer> ids) {
        if (!ids.isEmpty()) {
            pairs.put(key, ids.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    static Builder builder(String model, String[] tokens, int[] types) {
        return new Builder(model, tokens, types);
    }

    /** Not thread-safe. */
    static final class Builder {
        private final String model;
        private final String[] tokens;
        private final int[] types;

        @Nullable
        String pre;

        float @Nullable [] scores;
        String @Nullable [] merges;
        int beginId = VocabularyTokenizer.NONE;
        int endId = VocabularyTokenizer.NONE;
        int unknownId = VocabularyTokenizer.NONE;
        int paddingId = VocabularyTokenizer.NONE;
        boolean addBegin;
        boolean addEnd;
        boolean addSpacePrefix;
        boolean removeExtraSpaces;
        List<Integer> endOfTextIds = List.of();
        List<Integer> rightStripIds = List.of();

        @Nullable
        String pipeline;

        private Builder(String model, String[] tokens, int[] types) {
            this.model = model;
            this.tokens = tokens;
            this.types = types;
        }

        TokenizerMetadata build() {
            return new TokenizerMetadata(
                    model,
                    pre,
                    tokens,
                    scores,
                    types,
                    merges,
                    beginId,
                    endId,
                    unknownId,
                    paddingId,
                    addBegin,
                    addEnd,
                    addSpacePrefix,
                    removeExtraSpaces,
                    endOfTextIds,
                    rightStripIds,
                    pipeline);
        }
    }
}
