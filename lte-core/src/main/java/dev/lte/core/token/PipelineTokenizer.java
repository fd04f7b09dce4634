package dev.lte.core.token;

import dev.lte.InvalidRequestException;
import java.util.List;

/**
 * The one tokenizer of all families: added tokens are cut out, the text between them is normalized, added tokens that
 * are looked for in normalized text are cut out, the rest is cut into words, and a model turns each word into ids.
 */
final class PipelineTokenizer implements VocabularyTokenizer {
    /**
     * The steps.
     *
     * @param rawAdded added tokens looked for in the text as given
     * @param normalizedAdded added tokens looked for after normalization
     * @param stripsLeadingSpace whether decoding a whole text drops a leading space
     */
    record Steps(
            AddedTokens rawAdded,
            TextNormalizer normalizer,
            AddedTokens normalizedAdded,
            PreTokenizer preTokenizer,
            WordModel model,
            boolean stripsLeadingSpace) {}

    private final TokenizerMetadata metadata;
    private final Vocabulary vocabulary;
    private final Steps steps;
    private final int[] prefix;
    private final int[] suffix;

    /**
     * @param prefix special tokens in front of a text
     * @param suffix special tokens behind a text
     */
    PipelineTokenizer(TokenizerMetadata metadata, Vocabulary vocabulary, Steps steps, int[] prefix, int[] suffix) {
        this.metadata = metadata;
        this.vocabulary = vocabulary;
        this.steps = steps;
        this.prefix = prefix;
        this.suffix = suffix;
    }

    @Override
    public int size() {
        return vocabulary.size();
    }

    @Override
    public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
        Ids ids = new Ids();
        MergeWorkspace work = new MergeWorkspace();
        if (addSpecial) {
            ids.addAll(prefix);
        }
        steps.rawAdded.split(text, parseSpecial, new AddedTokens.Sink() {
            @Override
            public void text(int from, int to) {
                encodeText(steps.normalizer.apply(text.substring(from, to)), from == 0, parseSpecial, work, ids);
            }

            @Override
            public void token(int id) {
                ids.add(id);
            }
        });
        if (addSpecial) {
            ids.addAll(suffix);
        }
        return ids.toArray();
    }

    private void encodeText(String normalized, boolean begins, boolean parseSpecial, MergeWorkspace work, Ids ids) {
        steps.normalizedAdded.split(normalized, parseSpecial, new AddedTokens.Sink() {
            @Override
            public void text(int from, int to) {
                Pieces whole = Pieces.whole(normalized.substring(from, to), begins && from == 0);
                Pieces words = steps.preTokenizer.apply(whole);
                for (int i = 0; i < words.size(); i++) {
                    steps.model.encode(words.text(), words.from(i), words.to(i), work, ids);
                }
            }

            @Override
            public void token(int id) {
                ids.add(id);
            }
        });
    }

    @Override
    public String decode(int... ids) {
        StreamingDecoder decoder = new StreamingDecoder(this, true, List.of());
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(decoder.append(id));
        }
        return text.append(decoder.finish()).toString();
    }

    @Override
    public String piece(int id) {
        return vocabulary.piece(check(id));
    }

    @Override
    public byte[] bytes(int id) {
        return vocabulary.bytes(check(id));
    }

    @Override
    public boolean isSpecial(int id) {
        return TokenType.isSpecial(vocabulary.type(check(id)));
    }

    @Override
    public boolean stripsLeadingSpace() {
        return steps.stripsLeadingSpace;
    }

    @Override
    public List<Integer> endOfTextIds() {
        return metadata.endOfTextIds();
    }

    @Override
    public int beginOfTextId() {
        return metadata.beginId();
    }

    @Override
    public TokenizerMetadata metadata() {
        return metadata;
    }

    private int check(int id) {
        if (id < 0 || id >= vocabulary.size()) {
            throw new InvalidRequestException("token id", "0 to " + (vocabulary.size() - 1), id);
        }
        return id;
    }
}
