package dev.lte.core.token;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Makes a tokenizer from metadata, whatever file it was read from. */
final class TokenizerFactory {
    private static final int LONGEST_WORD = 100;

    private final TokenizerMetadata metadata;
    private final @Nullable Path file;

    private TokenizerFactory(TokenizerMetadata metadata, @Nullable Path file) {
        this.metadata = metadata;
        this.file = file;
    }

    /** @param file for messages */
    static VocabularyTokenizer create(TokenizerMetadata metadata, @Nullable Path file) {
        TokenizerFactory factory = new TokenizerFactory(metadata, file);
        factory.check();
        if (metadata.pipeline() != null) {
            return HubPipeline.create(metadata, metadata.pipeline(), file);
        }
        return switch (metadata.model()) {
            case "llama" -> factory.sentencePiece();
            case "gpt2" -> factory.bytePairs();
            case "bert" -> factory.wordPiece();
            default ->
                throw new UnsupportedModelException(
                        "the tokenizer model " + metadata.model() + " is not known; known are llama, gpt2, bert",
                        "use another model");
        };
    }

    private void check() {
        int size = metadata.tokens().length;
        if (size == 0) {
            throw invalid("tokenizer.ggml.tokens", "at least one token", "none");
        }
        checkLength("tokenizer.ggml.token_type", metadata.types().length);
        float[] scores = metadata.scores();
        if (scores != null) {
            checkLength("tokenizer.ggml.scores", scores.length);
            for (float score : scores) {
                if (Float.isNaN(score)) {
                    throw invalid("tokenizer.ggml.scores", "numbers", "NaN");
                }
            }
        }
        checkId("tokenizer.ggml.bos_token_id", metadata.beginId(), metadata.addBegin());
        checkId("tokenizer.ggml.eos_token_id", metadata.endId(), metadata.addEnd());
        checkId("tokenizer.ggml.unknown_token_id", metadata.unknownId(), false);
        checkId("tokenizer.ggml.padding_token_id", metadata.paddingId(), false);
        metadata.endOfTextIds().forEach(id -> checkId(TokenizerMetadata.END_OF_TEXT_KEY, id, true));
        metadata.rightStripIds().forEach(id -> checkId(TokenizerMetadata.RIGHT_STRIP_KEY, id, true));
    }

    private void checkLength(String key, int length) {
        if (length != metadata.tokens().length) {
            throw invalid(key, "one value for each of " + metadata.tokens().length + " tokens", String.valueOf(length));
        }
    }

    private void checkId(String key, int id, boolean needed) {
        if (id < (needed ? 0 : VocabularyTokenizer.NONE) || id >= metadata.tokens().length) {
            String expected = "an id from 0 to " + (metadata.tokens().length - 1);
            throw invalid(key, expected, id == VocabularyTokenizer.NONE ? "none" : String.valueOf(id));
        }
    }

    private VocabularyTokenizer sentencePiece() {
        Vocabulary vocabulary = new Vocabulary(metadata.tokens(), metadata.types(), PieceStyle.SENTENCE_PIECE);
        String[] pieces = vocabulary.pieces();
        PieceIndex index = new PieceIndex(pieces, id -> isText(vocabulary.type(id)));
        Fallback fallback = new Fallback(vocabulary.byteTokens(), metadata.unknownId(), true);
        float[] scores = metadata.scores() == null ? new float[pieces.length] : metadata.scores();
        List<TextNormalizer> normalizers = new ArrayList<>();
        if (metadata.removeExtraSpaces()) {
            normalizers.add(TextNormalizer.collapseSpaces());
        }
        if (metadata.addSpacePrefix()) {
            normalizers.add(TextNormalizer.prepend(" "));
        }
        normalizers.add(text -> text.replace(' ', PieceStyle.SPACE));
        return tokenizer(
                vocabulary,
                TextNormalizer.sequence(normalizers),
                new IndependentParts(pieces, id -> isText(vocabulary.type(id)), fallback.joins()),
                new SentencePieceModel(index, scores, fallback),
                metadata.addSpacePrefix());
    }

    private VocabularyTokenizer bytePairs() {
        String pre = metadata.pre() == null ? "default" : metadata.pre();
        NamedPreTokenizers.Named named = NamedPreTokenizers.of(pre);
        Vocabulary vocabulary = new Vocabulary(metadata.tokens(), metadata.types(), PieceStyle.BYTE_LEVEL);
        IntPredicate text = id -> isText(vocabulary.type(id));
        PieceIndex index = new PieceIndex(vocabulary.pieces(), text);
        if (metadata.merges() == null) {
            throw invalid("tokenizer.ggml.merges", "the merges of a gpt2 tokenizer", "none");
        }
        Fallback fallback = new Fallback(new int[0], metadata.unknownId(), false);
        PairTable merges = MergeRanks.of(vocabulary.pieces(), text, metadata.merges(), file);
        BpeModel model = new BpeModel(true, index, merges, named.ignoreMerges(), fallback);
        return tokenizer(vocabulary, TextNormalizer.NONE, named.preTokenizer(), model, false);
    }

    private VocabularyTokenizer wordPiece() {
        Vocabulary vocabulary = new Vocabulary(metadata.tokens(), metadata.types(), PieceStyle.SENTENCE_PIECE);
        PieceIndex index = new PieceIndex(vocabulary.pieces(), id -> isText(vocabulary.type(id)));
        TextNormalizer normalizer = TextNormalizer.sequence(List.of(
                TextNormalizer.bertClean(),
                TextNormalizer.spaceIdeographs(),
                TextNormalizer.form(Normalizer.Form.NFD),
                TextNormalizer.stripAccents(),
                TextNormalizer.lowercase()));
        return tokenizer(
                vocabulary,
                normalizer,
                bertWords(),
                new WordPieceModel(index, metadata.unknownId(), LONGEST_WORD),
                true);
    }

    /** Words between white space, punctuation and ASCII symbols each on its own. */
    static PreTokenizer bertWords() {
        return PreTokenizer.sequence(List.of(
                PreTokenizer.split(SplitPatternParser.parse("\\s+"), SplitBehavior.REMOVED, false),
                PreTokenizer.split(SplitPatternParser.parse("[\\p{P}!-/:-@\\[-`{-~]"), SplitBehavior.ISOLATED, false)));
    }

    private VocabularyTokenizer tokenizer(
            Vocabulary vocabulary,
            TextNormalizer normalizer,
            PreTokenizer preTokenizer,
            WordModel model,
            boolean stripsLeadingSpace) {
        boolean spaces = metadata.model().equals("llama");
        Set<Integer> rightStrip = new HashSet<>(metadata.rightStripIds());
        List<AddedTokens.Added> added = new ArrayList<>();
        for (int id = 0; id < vocabulary.size(); id++) {
            int type = vocabulary.type(id);
            String piece = vocabulary.piece(id);
            if (!piece.isEmpty() && (TokenType.isSpecial(type) || type == TokenType.USER_DEFINED)) {
                String text = spaces ? piece.replace(PieceStyle.SPACE, ' ') : piece;
                boolean special = TokenType.isSpecial(type);
                added.add(new AddedTokens.Added(text, id, special, false, rightStrip.contains(id), false));
            }
        }
        PipelineTokenizer.Steps steps = new PipelineTokenizer.Steps(
                new AddedTokens(added),
                normalizer,
                new AddedTokens(List.of()),
                preTokenizer,
                model,
                stripsLeadingSpace);
        int[] prefix = metadata.addBegin() ? new int[] {metadata.beginId()} : new int[0];
        int[] suffix = metadata.addEnd() ? new int[] {metadata.endId()} : new int[0];
        return new PipelineTokenizer(metadata, vocabulary, steps, prefix, suffix);
    }

    /** Whether ordinary text can become tokens of a type. */
    static boolean isText(int type) {
        return type == TokenType.NORMAL || type == TokenType.USER_DEFINED || type == TokenType.UNUSED;
    }

    private ModelFormatException invalid(String key, String expected, String found) {
        return new ModelFormatException(file, key, ModelFormatException.NO_OFFSET, expected, found);
    }
}
