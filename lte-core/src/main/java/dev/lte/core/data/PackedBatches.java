package dev.lte.core.data;

import dev.lte.InvalidRequestException;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Texts in sequences without padding: all documents, each with the tokenizer's begin-of-text token in front if it adds one and
 * an end-of-text token behind, are one stream of tokens, cut every T tokens. Every token but the first is a target once; a
 * begin-of-text token is not counted. The last batch is filled up with padding.
 */
public final class PackedBatches implements BatchStream<TextBatch> {
    private final ExampleStream examples;
    private final VocabularyTokenizer tokenizer;
    private final BatchShape shape;
    private final SpelledCharacters characters;
    private final int beginId;
    private final int endId;

    /** Tokens that are read but not yet an input of a batch, from {@code begin} to {@code end}. */
    private int[] waiting = new int[1024];

    private int begin;
    private int end;

    /**
     * @param shape always taken as fixed
     * @param from where to begin; {@link DataPosition#START} at first
     */
    public PackedBatches(ExampleStream examples, VocabularyTokenizer tokenizer, BatchShape shape, DataPosition from) {
        this.examples = examples;
        this.tokenizer = tokenizer;
        this.shape = shape;
        this.characters = new SpelledCharacters(tokenizer);
        this.beginId = tokenizer.metadata().addBegin() ? tokenizer.beginOfTextId() : VocabularyTokenizer.NONE;
        List<Integer> ends = tokenizer.endOfTextIds();
        this.endId = ends.isEmpty() ? tokenizer.beginOfTextId() : ends.getFirst();
        seek(from);
    }

    private void seek(DataPosition from) {
        Example last = examples.seek(from.epoch(), from.examples());
        if (last != null) {
            append(text(last));
            if (from.carriedTokens() > end) {
                throw new InvalidRequestException(
                        "position", "the data and tokenizer with which the position was recorded", from);
            }
            begin = end - from.carriedTokens();
        }
    }

    private static Example.Text text(Example example) {
        if (example instanceof Example.Text text) {
            return text;
        }
        throw new InvalidRequestException(
                "data", "plain text for packed batches", example.getClass().getSimpleName());
    }

    private void append(Example.Text text) {
        if (text.beginsDocument() && beginId >= 0) {
            append(beginId);
        }
        for (int id : tokenizer.encode(text.text(), false, false)) {
            append(id);
        }
        if (text.endsDocument() && endId >= 0) {
            append(endId);
        }
    }

    private void append(int id) {
        if (end == waiting.length) {
            if (begin > end / 2) {
                System.arraycopy(waiting, begin, waiting, 0, end - begin);
                end -= begin;
                begin = 0;
            } else {
                waiting = Arrays.copyOf(waiting, 2 * waiting.length);
            }
        }
        waiting[end++] = id;
    }

    @Override
    public @Nullable TextBatch next() {
        int inputs = shape.sequences() * shape.tokens();
        while (end - begin <= inputs) {
            Example example = examples.next();
            if (example == null) {
                return take(end - begin - 1, true);
            }
            append(text(example));
        }
        return take(inputs, false);
    }

    /** @param last whether nothing follows, so that the token behind is nobody's input */
    private @Nullable TextBatch take(int available, boolean last) {
        if (available <= 0) {
            begin = end;
            return null;
        }
        int inputs = shape.sequences() * shape.tokens();
        int[] ids = new int[inputs];
        int[] targets = new int[inputs];
        int[] lengths = new int[shape.sequences()];
        Arrays.fill(targets, TextBatch.NOT_COUNTED);
        System.arraycopy(waiting, begin, ids, 0, available);
        int counted = 0;
        long spelled = 0;
        for (int i = 0; i < available; i++) {
            int target = waiting[begin + i + 1];
            if (target != beginId || beginId < 0) {
                targets[i] = target;
                counted++;
                spelled += characters.of(target);
            }
            lengths[i / shape.tokens()]++;
        }
        begin = last ? end : begin + available;
        return new TextBatch(shape.sequences(), shape.tokens(), ids, targets, lengths, counted, spelled);
    }

    @Override
    public DataPosition position() {
        return new DataPosition(examples.epoch(), examples.taken(), end - begin);
    }

    @Override
    public void close() {
        examples.close();
    }
}
