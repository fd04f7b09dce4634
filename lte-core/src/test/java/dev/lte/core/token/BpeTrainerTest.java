package dev.lte.core.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BpeTrainerTest {
    @Test
    void textsOfEncodersAreEnclosedByTheIdsThatRobertaHas() {
        BpeTrainer trainer = new BpeTrainer(BpeTrainer.Special.ROBERTA);
        trainer.add("a fine film, a fine day");
        VocabularyTokenizer tokenizer = TokenizerLoader.fromMetadata(trainer.train(270));
        int[] ids = tokenizer.encode("a fine day");
        assertThat(ids[0]).isEqualTo(tokenizer.metadata().beginId()).isZero();
        assertThat(ids[ids.length - 1]).isEqualTo(tokenizer.metadata().endId()).isEqualTo(2);
        // Positions begin behind the id of padding.
        assertThat(tokenizer.metadata().paddingId()).isEqualTo(1);
        assertThat(tokenizer.decode(ids)).isEqualTo("a fine day");
    }

    private static final long SEED = 3;

    /** Made-up text with words of Zipf's frequencies, accents, runs of one letter, and a word that spells a special token. */
    private static List<String> texts() {
        SplittableRandom random = new SplittableRandom(SEED);
        List<String> words = new ArrayList<>(List.of("</s>", "aaaaaaa", "élan", "北京", "1234"));
        while (words.size() < 120) {
            StringBuilder word = new StringBuilder();
            for (int i = 2 + random.nextInt(8); i > 0; i--) {
                word.append("etaoinshrdlu".charAt((int) (12 * random.nextDouble() * random.nextDouble())));
            }
            words.add(word.toString());
        }
        List<String> texts = new ArrayList<>();
        for (int line = 0; line < 300; line++) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 12; i++) {
                text.append(words.get((int) (words.size() * Math.pow(random.nextDouble(), 2))))
                        .append(i % 5 == 4 ? ",\n" : " ");
            }
            texts.add(text.toString());
        }
        return texts;
    }

    private static TokenizerMetadata train(List<String> texts, int vocabulary) {
        BpeTrainer trainer = new BpeTrainer(BpeTrainer.Special.LLAMA);
        texts.forEach(trainer::add);
        return trainer.train(vocabulary);
    }

    @Test
    void textsComeBack() {
        TokenizerMetadata metadata = train(texts(), 400);
        VocabularyTokenizer tokenizer = TokenizerLoader.fromMetadata(metadata);
        VocabularyTokenizer recorded =
                TokenizerLoader.fromGguf(TestGguf.of(metadata.toGguf()), Path.of("recorded.gguf"));
        assertThat(tokenizer.size()).isEqualTo(400);
        List<String> all = new ArrayList<>(texts());
        all.addAll(List.of("", " ", "never seen: ÄÖÜ \uD83D\uDC4D\n\n\t end", "<s></s><pad>", "\u0000\u007F\u00AD"));
        for (String text : all) {
            int[] ids = tokenizer.encode(text, false, false);
            assertThat(tokenizer.decode(ids)).isEqualTo(text);
            assertThat(recorded.encode(text, false, false)).isEqualTo(ids);
            assertThat(Arrays.stream(ids)).allMatch(id -> id > 2);
        }
        assertThat(tokenizer.encode("a", true, false)).startsWith(1).hasSize(2);
        assertThat(tokenizer.endOfTextIds()).containsExactly(2);
        assertThat(tokenizer.metadata().paddingId()).isZero();
    }

    /** Counts every pair anew for every merge. */
    @Test
    void everyMergeIsOfTheMostFrequentPair() {
        List<String> texts = texts();
        TokenizerMetadata metadata = train(texts, 420);
        String[] merges = metadata.merges();
        assertThat(merges).isNotNull().hasSize(420 - 3 - 256);
        Map<String, Integer> ids = new HashMap<>();
        for (int id = 0; id < metadata.tokens().length; id++) {
            assertThat(ids.put(metadata.tokens()[id], id)).isNull();
        }
        List<List<String>> words = new ArrayList<>();
        PreTokenizer preTokenizer = NamedPreTokenizers.of("gpt-2").preTokenizer();
        for (String text : texts) {
            Pieces pieces = preTokenizer.apply(Pieces.whole(text, true));
            for (int i = 0; i < pieces.size(); i++) {
                List<String> word = new ArrayList<>();
                for (byte b : text.substring(pieces.from(i), pieces.to(i)).getBytes(StandardCharsets.UTF_8)) {
                    word.add(String.valueOf(ByteAlphabet.character(b)));
                }
                words.add(word);
            }
        }
        for (int rank = 0; rank < merges.length; rank++) {
            int newest = 3 + 256 + rank;
            String best = mostFrequent(words, ids, newest);
            assertThat(merges[rank]).as("merge %d, seed %d", rank, SEED).isEqualTo(best);
            assertThat(metadata.tokens()[newest]).isEqualTo(best.replace(" ", ""));
            words.forEach(word -> join(word, best));
        }
        // The tokenizer cuts every word as training left it.
        VocabularyTokenizer tokenizer = TokenizerLoader.fromMetadata(metadata);
        List<String> pieces = new ArrayList<>();
        for (String text : texts) {
            for (int id : tokenizer.encode(text, false, false)) {
                pieces.add(metadata.tokens()[id]);
            }
        }
        assertThat(pieces).isEqualTo(words.stream().flatMap(List::stream).toList());
    }

    private static String mostFrequent(List<List<String>> words, Map<String, Integer> ids, int newest) {
        Map<String, Integer> counts = new HashMap<>();
        for (List<String> word : words) {
            for (int i = 0; i + 1 < word.size(); i++) {
                String joined = word.get(i) + word.get(i + 1);
                if (ids.getOrDefault(joined, newest) >= newest) {
                    counts.merge(word.get(i) + " " + word.get(i + 1), 1, Integer::sum);
                }
            }
        }
        return counts.keySet().stream()
                .min((a, b) -> {
                    int byCount = Integer.compare(counts.getOrDefault(b, 0), counts.getOrDefault(a, 0));
                    int byLeft = byCount != 0 ? byCount : Integer.compare(left(a, ids), left(b, ids));
                    return byLeft != 0 ? byLeft : Integer.compare(right(a, ids), right(b, ids));
                })
                .orElseThrow();
    }

    private static int left(String pair, Map<String, Integer> ids) {
        return ids.getOrDefault(pair.substring(0, pair.indexOf(' ')), -1);
    }

    private static int right(String pair, Map<String, Integer> ids) {
        return ids.getOrDefault(pair.substring(pair.indexOf(' ') + 1), -1);
    }

    private static void join(List<String> word, String pair) {
        for (int i = 0; i + 1 < word.size(); i++) {
            if ((word.get(i) + " " + word.get(i + 1)).equals(pair)) {
                word.set(i, word.get(i) + word.remove(i + 1));
            }
        }
    }

    @Test
    void theResultDependsOnTheTextsAlone() {
        List<String> texts = texts();
        Map<String, Object> once = train(texts, 500).toGguf();
        Map<String, Object> again = train(texts.reversed(), 500).toGguf();
        assertThat(again).usingRecursiveComparison().isEqualTo(once);
    }

    @Test
    void aShortTextMakesASmallVocabulary() {
        TokenizerMetadata metadata = train(List.of("abc abc xyz"), 1000);
        // The space stands once before abc, and xyz occurs once.
        assertThat(metadata.merges()).containsExactly("a b", "ab c");
        assertThat(metadata.tokens()).hasSize(3 + 256 + 2);
        assertThat(TokenizerLoader.fromMetadata(train(List.of(), 259)).encode("é", false, false))
                .hasSize(2);
    }

    @Test
    void vocabulariesHaveRoomForBytes() {
        assertThatThrownBy(() -> train(List.of("a"), 258))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("at least 259");
        assertThatThrownBy(() -> new BpeTrainer(new BpeTrainer.Special("x", "x", null)))
                .isInstanceOf(InvalidRequestException.class);
    }
}
