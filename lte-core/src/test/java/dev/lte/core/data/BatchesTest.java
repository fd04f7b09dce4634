package dev.lte.core.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import dev.lte.core.token.VocabularyTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchesTest {
    private static final long SEED = 9;

    private final VocabularyTokenizer tokenizer = Tokenizers.stories();

    @TempDir
    Path folder;

    private static <T> List<T> drain(BatchStream<T> stream) {
        try (stream) {
            List<T> batches = new ArrayList<>();
            for (T batch = stream.next(); batch != null; batch = stream.next()) {
                batches.add(batch);
            }
            return batches;
        }
    }

    private ExampleSource stories(int count) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append("Story ")
                    .append(i)
                    .append(". Once upon a time, there was a cat")
                    .append(" and a hat".repeat(i % 7));
            text.append(".\n<|endoftext|>\n");
        }
        return new TextSource(Files.writeString(folder.resolve("stories.txt"), text), "<|endoftext|>");
    }

    private ExampleSource completions(int count) throws IOException {
        StringBuilder text = new StringBuilder("mr,ref\n");
        for (int i = 0; i < count; i++) {
            text.append("name[")
                    .append(i)
                    .append("],It is é")
                    .append(" so very".repeat(i % 5))
                    .append(" good.\n");
        }
        return new E2eSource(Files.writeString(folder.resolve("e2e.csv"), text));
    }

    @Test
    void packedTokensAreTheDocumentsOneAfterTheOther() throws IOException {
        ExampleSource source = stories(5);
        List<Integer> expected = new ArrayList<>();
        ExampleReader reader = source.open();
        long characters = 0;
        for (Example example = reader.next(); example != null; example = reader.next()) {
            String text = ((Example.Text) example).text();
            expected.add(1);
            Arrays.stream(tokenizer.encode(text, false, false)).forEach(expected::add);
            expected.add(2);
            // SentencePiece puts a space in front of every text.
            characters += text.length() + 1;
        }
        reader.close();
        BatchShape shape = new BatchShape(2, 8, true);
        List<TextBatch> batches = drain(
                new PackedBatches(new ExampleStream(source, Shuffling.NONE, 1), tokenizer, shape, DataPosition.START));
        int at = 0;
        long spelled = 0;
        int begins = 0;
        for (TextBatch batch : batches) {
            assertThat(batch.ids()).hasSize(16);
            int counted = 0;
            for (int i = 0; i < 16 && at + 1 < expected.size(); i++, at++) {
                assertThat(batch.ids()[i]).isEqualTo(expected.get(at));
                boolean begin = expected.get(at + 1) == 1;
                assertThat(batch.targets()[i]).isEqualTo(begin ? -1 : expected.get(at + 1));
                begins += begin ? 1 : 0;
                counted += begin ? 0 : 1;
            }
            assertThat(batch.counted()).isEqualTo(counted);
            assertThat(Arrays.stream(batch.targets()).filter(target -> target >= 0))
                    .hasSize(counted);
            spelled += batch.characters();
        }
        assertThat(at).isEqualTo(expected.size() - 1);
        assertThat(begins).isEqualTo(4);
        assertThat(spelled).isEqualTo(characters);
        TextBatch last = batches.getLast();
        assertThat(Arrays.stream(last.lengths()).sum()).isEqualTo((expected.size() - 1) - 16 * (batches.size() - 1));
    }

    @Test
    void onlyCompletionsAreCounted() throws IOException {
        List<TextBatch> batches = drain(new CompletionBatches(
                new ExampleStream(completions(3), Shuffling.NONE, 1),
                tokenizer,
                new BatchShape(2, 100, false),
                DataPosition.START));
        assertThat(batches).extracting(TextBatch::sequences).containsExactly(2, 1);
        int[] prompt = tokenizer.encode(E2eSource.prompt("name[1]"), true, false);
        int[] answer = tokenizer.encode("It is é so very good.", false, false);
        TextBatch batch = batches.getFirst();
        int length = prompt.length + answer.length;
        assertThat(batch.lengths()[1]).isEqualTo(length).isEqualTo(batch.tokens());
        int row = batch.tokens();
        assertThat(Arrays.copyOfRange(batch.ids(), row, row + prompt.length)).isEqualTo(prompt);
        assertThat(Arrays.copyOfRange(batch.ids(), row + prompt.length, row + length))
                .isEqualTo(answer);
        assertThat(Arrays.copyOfRange(batch.targets(), row, row + prompt.length - 1))
                .containsOnly(-1);
        assertThat(Arrays.copyOfRange(batch.targets(), row + prompt.length - 1, row + length - 1))
                .isEqualTo(answer);
        assertThat(batch.targets()[row + length - 1]).isEqualTo(2);
        assertThat(Arrays.copyOfRange(batch.targets(), batch.lengths()[0], row)).containsOnly(-1);
        assertThat(batch.characters()).isEqualTo("It is é good.".length() + "It is é so very good.".length());
        assertThat(batch.counted()).isEqualTo((int)
                Arrays.stream(batch.targets()).filter(t -> t >= 0).count());
    }

    @Test
    void longCompletionsAreCutAndLongPromptsPassedOver() throws IOException {
        int prompt = tokenizer.encode(E2eSource.prompt("name[0]"), true, false).length;
        CompletionBatches stream = new CompletionBatches(
                new ExampleStream(completions(5), Shuffling.NONE, 1),
                tokenizer,
                new BatchShape(8, prompt + 2, true),
                DataPosition.START);
        TextBatch batch = stream.next();
        assertThat(batch).isNotNull();
        assertThat(batch.sequences()).isEqualTo(8);
        assertThat(batch.lengths())
                .containsExactly(prompt + 2, prompt + 2, prompt + 2, prompt + 2, prompt + 2, 0, 0, 0);
        assertThat(stream.cut()).isEqualTo(5);
        assertThat(batch.counted()).isEqualTo(15);
        CompletionBatches none = new CompletionBatches(
                new ExampleStream(completions(5), Shuffling.NONE, 1),
                tokenizer,
                new BatchShape(8, prompt - 1, true),
                DataPosition.START);
        assertThat(none.next()).isNull();
        assertThat(none.passedOver()).isEqualTo(5);
    }

    @Test
    void pairsArePutTogetherAsRobertaHasThem() throws IOException {
        Path data = Files.writeString(
                folder.resolve("pairs.tsv"), "Quality\t#1 String\t#2 String\n1\tab\tc\n0\tabcdefgh\tij\n");
        List<LabelledBatch> batches = drain(new LabelledBatches(
                new ExampleStream(new TsvSource(data, null), Shuffling.NONE, 1),
                Tokenizers.roberta(folder),
                new BatchShape(2, 10, false),
                DataPosition.START));
        LabelledBatch batch = batches.getFirst();
        assertThat(batches).hasSize(1);
        assertThat(batch.labels()).containsExactly(1, 0);
        assertThat(batch.lengths()).containsExactly(7, 10);
        assertThat(batch.ids()).containsExactly(0, 4, 5, 2, 2, 6, 2, 1, 1, 1, 0, 4, 5, 6, 7, 2, 2, 12, 13, 2);
    }

    @Test
    void singleTextsAreMarkedAtBothEnds() throws IOException {
        Path data = Files.writeString(folder.resolve("texts.tsv"), "label\tsentence\n1\tabcdefghijkl\n");
        LabelledBatches stream = new LabelledBatches(
                new ExampleStream(new TsvSource(data, null), Shuffling.NONE, 1),
                Tokenizers.roberta(folder),
                new BatchShape(2, 8, true),
                DataPosition.START);
        LabelledBatch batch = stream.next();
        assertThat(batch).isNotNull();
        assertThat(batch.ids()).containsExactly(0, 4, 5, 6, 7, 8, 9, 2);
        assertThat(stream.cut()).isEqualTo(1);
    }

    @Test
    void packedStreamsGoOnAtEveryPosition() throws IOException {
        ExampleSource source = stories(23);
        for (int buffer : new int[] {1, 6}) {
            Shuffling shuffling = new Shuffling(SEED, buffer);
            resumes(from -> new PackedBatches(
                    new ExampleStream(source, shuffling, 3), tokenizer, new BatchShape(2, 7, true), from));
        }
    }

    @Test
    void completionStreamsGoOnAtEveryPosition() throws IOException {
        ExampleSource source = completions(23);
        resumes(from -> new CompletionBatches(
                new ExampleStream(source, new Shuffling(SEED, 6), 3), tokenizer, new BatchShape(4, 60, false), from));
    }

    private static void resumes(Function<DataPosition, BatchStream<TextBatch>> open) {
        BatchStream<TextBatch> stream = open.apply(DataPosition.START);
        List<TextBatch> batches = new ArrayList<>();
        List<DataPosition> positions = new ArrayList<>(List.of(stream.position()));
        for (TextBatch batch = stream.next(); batch != null; batch = stream.next()) {
            batches.add(batch);
            positions.add(stream.position());
        }
        assertThat(batches).hasSizeGreaterThan(15);
        for (int i = 0; i < positions.size(); i++) {
            List<TextBatch> rest = drain(open.apply(positions.get(i)));
            assertThat(rest).as("from %s", positions.get(i)).hasSize(batches.size() - i);
            for (int j = 0; j < rest.size(); j++) {
                assertThat(rest.get(j).ids()).isEqualTo(batches.get(i + j).ids());
                assertThat(rest.get(j).targets()).isEqualTo(batches.get(i + j).targets());
            }
        }
    }

    @Test
    void examplesOfAnotherKindAreRefused() throws IOException {
        ExampleStream texts = new ExampleStream(stories(2), Shuffling.NONE, 1);
        CompletionBatches stream =
                new CompletionBatches(texts, tokenizer, new BatchShape(1, 50, false), DataPosition.START);
        assertThatThrownBy(stream::next)
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("prompts with completions");
    }
}
