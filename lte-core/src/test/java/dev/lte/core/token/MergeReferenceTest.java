package dev.lte.core.token;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * The heap, the cut into independent parts and the word cache against merging as it is defined, one pair after another.
 */
class MergeReferenceTest {
    /**
     * Joins the neighbours of least cost, leftmost among equals, until none has a finite cost.
     *
     * @param cost of joining two pieces
     */
    private static List<String> merge(String text, ToDoubleBiFunction<String, String> cost) {
        List<String> parts = new ArrayList<>();
        text.codePoints().forEach(codePoint -> parts.add(Character.toString(codePoint)));
        while (true) {
            int best = -1;
            double bestCost = Double.POSITIVE_INFINITY;
            for (int i = 0; i + 1 < parts.size(); i++) {
                double candidate = cost.applyAsDouble(parts.get(i), parts.get(i + 1));
                if (candidate < bestCost) {
                    best = i;
                    bestCost = candidate;
                }
            }
            if (best < 0) {
                return parts;
            }
            parts.set(best, parts.get(best) + parts.remove(best + 1));
        }
    }

    private static String text(Random random, String alphabet, List<String> words) {
        int[] letters = alphabet.codePoints().toArray();
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            if (random.nextBoolean()) {
                text.append(words.get(random.nextInt(words.size())));
            } else {
                text.appendCodePoint(letters[random.nextInt(letters.length)]);
            }
        }
        return text.toString();
    }

    private static List<String> pieces(VocabularyTokenizer tokenizer, int[] ids) {
        return Arrays.stream(ids).mapToObj(tokenizer::piece).toList();
    }

    @Test
    void mergesByScoreAsDefined() throws IOException {
        for (VocabularyTokenizer tokenizer : List.of(TestVocabularies.stories(), TestVocabularies.gguf("llama-spm"))) {
            TokenizerMetadata metadata = tokenizer.metadata();
            float[] scores = Objects.requireNonNull(metadata.scores());
            Map<String, Integer> ids = new HashMap<>();
            for (int id = 0; id < tokenizer.size(); id++) {
                if (metadata.types()[id] == TokenType.NORMAL) {
                    ids.putIfAbsent(metadata.tokens()[id], id);
                }
            }
            List<String> words = ids.keySet().stream()
                    .sorted()
                    .map(word -> word.replace('▁', ' '))
                    .toList();
            for (int seed = 0; seed < 500; seed++) {
                String text = text(new Random(seed), "  aaeehhnnttTHE.,'éж", words);
                List<String> expected = text.isEmpty()
                        ? List.of()
                        : merge((" " + text).replace(' ', '▁'), (left, right) -> {
                            Integer id = ids.get(left + right);
                            return id == null ? Double.POSITIVE_INFINITY : -scores[id];
                        });
                List<String> found = pieces(tokenizer, tokenizer.encode(text, false, false));
                // Characters without a token are spelled in bytes by the tokenizer.
                List<String> spelled = new ArrayList<>();
                for (String piece : expected) {
                    if (ids.containsKey(piece)) {
                        spelled.add(piece);
                    } else {
                        for (byte value : PieceStyle.utf8(piece)) {
                            spelled.add(String.format("<0x%02X>", value));
                        }
                    }
                }
                assertThat(found).as("seed %d: %s", seed, text).isEqualTo(spelled);
            }
        }
    }

    @Test
    void mergesByRankAsDefined() {
        VocabularyTokenizer tokenizer = TestVocabularies.tinyStories();
        TokenizerMetadata metadata = tokenizer.metadata();
        Map<String, Integer> ranks = new HashMap<>();
        String[] merges = Objects.requireNonNull(metadata.merges());
        for (int rank = 0; rank < merges.length; rank++) {
            ranks.putIfAbsent(merges[rank], rank);
        }
        List<String> words = IntStream.range(3, tokenizer.size())
                .mapToObj(id -> tokenizer.piece(id).replace('▁', ' '))
                .toList();
        for (int seed = 0; seed < 500; seed++) {
            String text = text(new Random(seed), "  aaeehhnnttTHE.,'\n", words);
            List<String> expected = text.isEmpty()
                    ? List.of()
                    : merge((" " + text).replace(' ', '▁'), (left, right) -> {
                        Integer rank = ranks.get(left + " " + right);
                        return rank == null ? Double.POSITIVE_INFINITY : rank;
                    });
            assertThat(pieces(tokenizer, tokenizer.encode(text, false, false)))
                    .as("seed %d: %s", seed, text)
                    .isEqualTo(expected);
        }
    }

    @Test
    void servesManyThreadsAtOnce() throws IOException {
        for (VocabularyTokenizer tokenizer :
                List.of(TestVocabularies.gguf("gpt-2"), TestVocabularies.gguf("llama-spm"))) {
            String story = TestVocabularies.expectedStory();
            int[] expected = tokenizer.encode(story);
            VocabularyTokenizer fresh =
                    TokenizerLoader.fromGguf(TestGguf.of(tokenizer.metadata().toGguf()), Path.of("fresh.gguf"));
            boolean same = IntStream.range(0, 400)
                    .parallel()
                    .allMatch(i -> Arrays.equals(fresh.encode(story), expected)
                            && fresh.decode(fresh.encode(story)).equals(story));
            assertThat(same).isTrue();
        }
    }
}
