package dev.lte.core.data;

import dev.lte.InvalidRequestException;
import dev.lte.core.token.TokenizerMetadata;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Texts or pairs of texts with their classes, one a sequence, padded behind. A pair is put together as the model family does
 * it: RoBERTa begin, first, end, end, second, end; BERT with one end between; models whose tokenizer adds no end get first and
 * second with a line feed between. Too long ones are cut, the longer text first.
 */
public final class LabelledBatches implements BatchStream<LabelledBatch> {
    private final ExampleStream examples;
    private final VocabularyTokenizer tokenizer;
    private final BatchShape shape;
    private final int[] before;
    private final int[] between;
    private final int[] behind;
    private final int paddingId;
    private long cut;

    /** @param from where to begin; {@link DataPosition#START} at first */
    public LabelledBatches(ExampleStream examples, VocabularyTokenizer tokenizer, BatchShape shape, DataPosition from) {
        this.examples = examples;
        this.tokenizer = tokenizer;
        this.shape = shape;
        TokenizerMetadata metadata = tokenizer.metadata();
        before = metadata.addBegin() ? new int[] {metadata.beginId()} : new int[0];
        behind = metadata.addEnd() ? new int[] {metadata.endId()} : new int[0];
        if (!metadata.addEnd()) {
            between = tokenizer.encode("\n", false, false);
        } else if (metadata.model().equals("bert")) {
            between = behind;
        } else {
            between = new int[] {metadata.endId(), metadata.endId()};
        }
        paddingId = Math.max(0, metadata.paddingId());
        if (shape.tokens() < before.length + between.length + behind.length + 2) {
            throw new InvalidRequestException(
                    "batch", "room for two texts and their marks", shape.tokens() + " tokens");
        }
        examples.seek(from.epoch(), from.examples());
    }

    @Override
    public @Nullable LabelledBatch next() {
        List<int[]> sequences = new ArrayList<>();
        List<Integer> labels = new ArrayList<>();
        while (sequences.size() < shape.sequences()) {
            Example example = examples.next();
            if (example == null) {
                break;
            }
            if (!(example instanceof Example.Labelled labelled)) {
                throw new InvalidRequestException(
                        "data", "texts with labels", example.getClass().getSimpleName());
            }
            sequences.add(encode(labelled.first(), labelled.second()));
            labels.add(labelled.label());
        }
        if (sequences.isEmpty()) {
            return null;
        }
        int tokens = shape.fixed()
                ? shape.tokens()
                : sequences.stream().mapToInt(ids -> ids.length).max().orElseThrow();
        int[] ids = new int[sequences.size() * tokens];
        Arrays.fill(ids, paddingId);
        int[] lengths = new int[sequences.size()];
        for (int row = 0; row < lengths.length; row++) {
            lengths[row] = sequences.get(row).length;
            System.arraycopy(sequences.get(row), 0, ids, row * tokens, lengths[row]);
        }
        int[] labelArray = labels.stream().mapToInt(Integer::intValue).toArray();
        return new LabelledBatch(lengths.length, tokens, ids, lengths, labelArray);
    }

    private int[] encode(String first, @Nullable String second) {
        int[] a = tokenizer.encode(first, false, false);
        int[] b = second == null ? new int[0] : tokenizer.encode(second, false, false);
        int marks = before.length + (second == null ? 0 : between.length) + behind.length;
        int room = shape.tokens() - marks;
        int lengthA = a.length;
        int lengthB = b.length;
        if (lengthA + lengthB > room) {
            cut++;
            int longer = Math.max(room - Math.min(lengthA, lengthB), (room + 1) / 2);
            if (lengthA > lengthB) {
                lengthA = Math.min(lengthA, longer);
                lengthB = Math.min(lengthB, room - lengthA);
            } else {
                lengthB = Math.min(lengthB, longer);
                lengthA = Math.min(lengthA, room - lengthB);
            }
        }
        int[] ids = new int[marks + lengthA + lengthB];
        int at = put(before, before.length, ids, 0);
        at = put(a, lengthA, ids, at);
        if (second != null) {
            at = put(between, between.length, ids, at);
            at = put(b, lengthB, ids, at);
        }
        put(behind, behind.length, ids, at);
        return ids;
    }

    private static int put(int[] part, int length, int[] ids, int at) {
        System.arraycopy(part, 0, ids, at, length);
        return at + length;
    }

    /** Examples so far that were cut. */
    public long cut() {
        return cut;
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
