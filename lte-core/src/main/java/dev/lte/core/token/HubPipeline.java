package dev.lte.core.token;

import dev.lte.core.io.JsonView;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Makes a tokenizer whose steps a tokenizer.json describes. A step that is not implemented is an error that names it.
 */
final class HubPipeline {
    /** The time for a word grows with the square of its length. */
    private static final int LONGEST_WORD = 1000;

    private final TokenizerMetadata metadata;
    private final JsonView root;
    private final Map<String, Integer> idOfToken = new HashMap<>();

    private HubPipeline(TokenizerMetadata metadata, JsonView root) {
        this.metadata = metadata;
        this.root = root;
        String[] tokens = metadata.tokens();
        for (int id = 0; id < tokens.length; id++) {
            idOfToken.putIfAbsent(tokens[id], id);
        }
    }

    /**
     * @param pipeline tokenizer.json without vocabulary and merges
     * @param file for messages
     */
    static VocabularyTokenizer create(TokenizerMetadata metadata, String pipeline, @Nullable Path file) {
        JsonView root = JsonView.parse(pipeline.getBytes(StandardCharsets.UTF_8), file, "tokenizer");
        return new HubPipeline(metadata, root).create(file);
    }

    private VocabularyTokenizer create(@Nullable Path file) {
        HubPreTokenizers preTokenizers = new HubPreTokenizers();
        List<PreTokenizer> words = new ArrayList<>(preTokenizers.read(root.get("pre_tokenizer")));
        boolean byteLevel = preTokenizers.byteLevel();
        HubDecoder decoder = HubDecoder.read(root.get("decoder"), byteLevel);
        Vocabulary vocabulary = new Vocabulary(metadata.tokens(), metadata.types(), decoder.style());
        WordModel model = model(vocabulary, byteLevel, words, file);
        TextNormalizer normalizer = HubNormalizers.read(root.get("normalizer"));
        List<AddedTokens.Added> raw = new ArrayList<>();
        List<AddedTokens.Added> normalized = new ArrayList<>();
        addedTokens(normalizer, raw, normalized);
        PipelineTokenizer.Steps steps = new PipelineTokenizer.Steps(
                new AddedTokens(raw),
                normalizer,
                new AddedTokens(normalized),
                words.isEmpty() ? pieces -> pieces : PreTokenizer.sequence(words),
                model,
                decoder.stripsLeadingSpace());
        Ids prefix = new Ids();
        Ids suffix = new Ids();
        HubTemplate.read(root.get("post_processor"), idOfToken, metadata.tokens().length, prefix, suffix);
        return new PipelineTokenizer(metadata, vocabulary, steps, prefix.toArray(), suffix.toArray());
    }

    private WordModel model(Vocabulary vocabulary, boolean byteLevel, List<PreTokenizer> words, @Nullable Path file) {
        JsonView model = root.get("model");
        String[] pieces = vocabulary.pieces();
        String type = model.get("type").text();
        String unknown = model.get("unk_token").textOrNull();
        int none = VocabularyTokenizer.NONE;
        int unknownId = unknown == null ? none : idOfToken.getOrDefault(unknown, none);
        IntPredicate text = id -> TokenizerFactory.isText(vocabulary.type(id));
        PieceIndex index = new PieceIndex(pieces, text);
        switch (type) {
            case "BPE" -> {
                boolean byteFallback = model.get("byte_fallback").flag(false);
                boolean ignoreMerges = model.get("ignore_merges").flag(false);
                int[] byteTokens = byteFallback ? vocabulary.byteTokens() : new int[0];
                Fallback fallback = new Fallback(
                        byteTokens, unknownId, model.get("fuse_unk").flag(false));
                if (metadata.merges() == null) {
                    throw model.get("merges").invalid("the merges of a BPE tokenizer");
                }
                PairTable merges = MergeRanks.of(pieces, text, metadata.merges(), file);
                if (!ignoreMerges && !byteLevel) {
                    words.add(new IndependentParts(pieces, text, fallback.joins()));
                }
                return new BpeModel(byteLevel, index, merges, ignoreMerges, fallback);
            }
            case "WordPiece" -> {
                int longestWord = model.get("max_input_chars_per_word").integer(100);
                if (longestWord > LONGEST_WORD) {
                    throw model.unsupported("max_input_chars_per_word above " + LONGEST_WORD);
                }
                return new WordPieceModel(index, unknownId, longestWord);
            }
            default -> throw model.unsupported("the model " + type);
        }
    }

    private void addedTokens(
            TextNormalizer normalizer, List<AddedTokens.Added> raw, List<AddedTokens.Added> normalized) {
        for (JsonView added : root.get("added_tokens").elements()) {
            String content = added.get("content").text();
            int id = added.get("id").integer();
            if (id >= metadata.tokens().length) {
                throw added.get("id").invalid("an id of the vocabulary");
            }
            boolean inNormalized = added.get("normalized").flag(false);
            String text = inNormalized ? normalizer.apply(content) : content;
            if (text.isEmpty()) {
                continue;
            }
            (inNormalized ? normalized : raw)
                    .add(new AddedTokens.Added(
                            text,
                            id,
                            added.get("special").flag(false),
                            added.get("lstrip").flag(false),
                            added.get("rstrip").flag(false),
                            added.get("single_word").flag(false)));
        }
    }
}
