package dev.lte.core.data;

import dev.lte.InvalidRequestException;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Prompts with their completions, one a sequence, padded behind. The prompt is encoded as it is when text is generated, with the
 * tokens that the tokenizer adds in front; the completion is encoded on its own and followed by an end-of-text token. Only the
 * completion and its end are counted. Sequences are cut to T tokens; those of which no completion would be left are passed over.
 */
public final class CompletionBatches implements BatchStream<TextBatch> {
    private final ExampleStream examples;
    private final VocabularyTokenizer tokenizer;
    private final BatchShape shape;
    private final SpelledCharacters characters;
    private final int endId;
    private final int paddingId;
    private long cut;
    private long passedOver;

    /** @param from where to begin; {@link DataPosition#START} at first */
    public CompletionBatches(
            ExampleStream examples, VocabularyTokenizer tokenizer, BatchShape shape, DataPosition from) {
        this.examples = examples;
        this.tokenizer = tokenizer;
        this.shape = shape;
        this.characters = new SpelledCharacters(tokenizer);
        List<Integer> ends = tokenizer.endOfTextIds();
        if (ends.isEmpty()) {
            throw new InvalidRequestException(
                    "tokenizer", "an end-of-text token, by which a model learns to stop", "none");
        }
        this.endId = ends.getFirst();
        this.paddingId = Math.max(0, tokenizer.metadata().paddingId());
        examples.seek(from.epoch(), from.examples());
    }

    /**
     * @param promptTokens tokens that are given
     * @param characters of the completion that is left
     */
    private record Sequence(int[] ids, int promptTokens, long characters) {}

    @Override
    public @Nullable TextBatch next() {
        List<Sequence> sequences = new ArrayList<>();
        while (sequences.size() < shape.sequences()) {
            Example example = examples.next();
            if (example == null) {
                break;
            }
            Sequence sequence = sequence(example);
            if (sequence == null) {
                passedOver++;
            } else {
                sequences.add(sequence);
            }
        }
        return sequences.isEmpty() ? null : batch(sequences);
    }

    private @Nullable Sequence sequence(Example example) {
        if (!(example instanceof Example.Completion completion)) {
            throw new InvalidRequestException(
                    "data", "prompts with completions", example.getClass().getSimpleName());
        }
        int[] prompt = tokenizer.encode(completion.prompt(), true, false);
        int[] answer = tokenizer.encode(completion.completion(), false, false);
        int[] ids = Arrays.copyOf(prompt, prompt.length + answer.length + 1);
        System.arraycopy(answer, 0, ids, prompt.length, answer.length);
        ids[ids.length - 1] = endId;
        // One more than T: the last token is a target only.
        if (ids.length <= shape.tokens() + 1) {
            String text = completion.completion();
            return new Sequence(ids, prompt.length, text.codePointCount(0, text.length()));
        }
        if (prompt.length > shape.tokens()) {
            return null;
        }
        cut++;
        int[] left = Arrays.copyOf(ids, shape.tokens() + 1);
        long spelled = 0;
        for (int i = prompt.length; i < left.length; i++) {
            spelled += characters.of(left[i]);
        }
        return new Sequence(left, prompt.length, spelled);
    }

    private TextBatch batch(List<Sequence> sequences) {
        int rows = shape.fixed() ? shape.sequences() : sequences.size();
        int tokens = shape.fixed()
                ? shape.tokens()
                : sequences.stream().mapToInt(s -> s.ids.length - 1).max().orElseThrow();
        int[] ids = new int[rows * tokens];
        int[] targets = new int[rows * tokens];
        int[] lengths = new int[rows];
        Arrays.fill(ids, paddingId);
        Arrays.fill(targets, TextBatch.NOT_COUNTED);
        int counted = 0;
        long spelled = 0;
        for (int row = 0; row < sequences.size(); row++) {
            Sequence sequence = sequences.get(row);
            lengths[row] = sequence.ids.length - 1;
            System.arraycopy(sequence.ids, 0, ids, row * tokens, lengths[row]);
            int first = Math.max(0, sequence.promptTokens - 1);
            System.arraycopy(sequence.ids, first + 1, targets, row * tokens + first, lengths[row] - first);
            counted += lengths[row] - first;
            spelled += sequence.characters;
        }
        return new TextBatch(rows, tokens, ids, targets, lengths, counted, spelled);
    }

    /** Examples so far whose completion was cut. */
    public long cut() {
        return cut;
    }

    /** Examples so far whose prompt alone was too long. */
    public long passedOver() {
        return passedOver;
    }

    @Override
    public DataPosition position() {
        return new DataPosition(examples.epoch(), examples.taken(), 0);
    }

    @Override
    public void close() {
        examples.close();
    }
}
