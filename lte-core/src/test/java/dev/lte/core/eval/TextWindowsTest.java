package dev.lte.core.eval;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.core.data.Example;
import dev.lte.core.data.ExampleReader;
import dev.lte.core.source.ModelSources;
import dev.lte.core.token.VocabularyTokenizer;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TextWindowsTest {
    private static VocabularyTokenizer tokenizer() {
        try {
            return ModelSources.tokenizer(Path.of(TextWindowsTest.class
                    .getResource("/dev/lte/core/stories260K/stories260K.bin")
                    .toURI()));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<ScoredSequence> windows(List<Example.Text> texts, int length, int limit) {
        Iterator<Example.Text> iterator = texts.iterator();
        return TextWindows.of(
                () -> new ExampleReader() {
                    @Override
                    public @Nullable Example next() {
                        return iterator.hasNext() ? iterator.next() : null;
                    }

                    @Override
                    public void close() {}
                },
                tokenizer(),
                length,
                limit);
    }

    @Test
    void everyTokenButTheFirstIsATargetOnce() {
        String text = "Once upon a time, there was a little boy named Tim. He liked to run.";
        int[] ids = tokenizer().encode(text, true, false);
        for (int length = 2; length <= ids.length + 1; length++) {
            List<Integer> targets = new ArrayList<>();
            long characters = 0;
            for (ScoredSequence window : windows(List.of(new Example.Text(text, true, true)), length, 1000)) {
                assertThat(window.ids().length).isBetween(2, length);
                Arrays.stream(window.ids()).skip(1).forEach(targets::add);
                characters += window.characters();
            }
            assertThat(targets)
                    .as("length %d", length)
                    .isEqualTo(Arrays.stream(ids).skip(1).boxed().toList());
            assertThat(characters).isEqualTo(text.length() + 1); // and the space that the vocabulary puts in front
        }
    }

    @Test
    void partsOfADocumentAreOneText() {
        List<ScoredSequence> parts = windows(
                List.of(new Example.Text("Tim ran.\n", true, false), new Example.Text("He was sad.", false, true)),
                1000,
                1000);
        assertThat(parts).hasSize(1);
        int[] ids = parts.getFirst().ids();
        assertThat(tokenizer().decode(ids)).contains("Tim ran.").contains("He was sad.");
        assertThat(Arrays.stream(ids).filter(id -> id == 1).count()).isEqualTo(1);
    }

    @Test
    void theLimitCountsSequences() {
        Example.Text text = new Example.Text("Tim ran. He was sad. He ran home.", true, true);
        assertThat(windows(List.of(text, text, text), 4, 2)).hasSize(2);
    }
}
