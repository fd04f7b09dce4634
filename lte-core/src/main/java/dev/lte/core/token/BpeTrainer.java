package dev.lte.core.token;

import dev.lte.InvalidRequestException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Learns a byte-level BPE vocabulary from text: text is cut into words as GPT-2 cuts it, words begin as bytes, and again and
 * again the pair of tokens that is most frequent becomes a token (Sennrich et al., 2016). Any text can be encoded, as all 256
 * bytes are tokens. Among pairs of equal count the one of the lowest ids is taken, so that the result depends on the text alone.
 *
 * <p>Ids: special tokens, bytes, merges. Memory grows with the number of different words. Not thread-safe.
 */
public final class BpeTrainer {
    private static final String PRE = "gpt-2";

    private final Special special;
    private final PreTokenizer preTokenizer = NamedPreTokenizers.of(PRE).preTokenizer();
    /** In order of words, not of first sight: then it does not matter in which order texts come. */
    private final Map<String, long[]> counts = new TreeMap<>();

    /**
     * Tokens that text never becomes.
     *
     * @param all in order of their ids, from 0
     * @param begin put in front of every text; null for none
     * @param end ends texts and generations
     * @param padding null for none
     * @param addEnd whether the end is put behind every text, as encoders want it
     */
    public record Special(
            List<String> all,
            @Nullable String begin,
            String end,
            @Nullable String padding,
            boolean addEnd) {
        /** GPT-2's only one. */
        public static final Special GPT_2 = new Special(null, "<|endoftext|>", null);
        /** Llama's names. */
        public static final Special LLAMA = new Special("<s>", "</s>", "<pad>");
        /** RoBERTa's names and ids, by which the first position is the third row of its position embedding. */
        public static final Special ROBERTA =
                new Special(List.of("<s>", "<pad>", "</s>", "<unk>", "<mask>"), "<s>", "</s>", "<pad>", true);

        public Special {
            all = List.copyOf(all);
            if (new HashSet<>(all).size() < all.size() || all.contains("")) {
                throw new InvalidRequestException("special tokens", "different ones that are not empty", all);
            }
        }

        /** Padding, begin and end, in this order. */
        public Special(@Nullable String begin, String end, @Nullable String padding) {
            this(all(padding, begin, end), begin, end, padding, false);
        }

        private static List<String> all(@Nullable String padding, @Nullable String begin, String end) {
            List<String> all = new ArrayList<>();
            if (padding != null) {
                all.add(padding);
            }
            if (begin != null) {
                all.add(begin);
            }
            all.add(end);
            return all;
        }
    }

    public BpeTrainer(Special special) {
        this.special = special;
    }

    /** Learns from one text. */
    public void add(String text) {
        Pieces words = preTokenizer.apply(Pieces.whole(text, true));
        for (int i = 0; i < words.size(); i++) {
            counts.computeIfAbsent(text.substring(words.from(i), words.to(i)), word -> new long[1])[0]++;
        }
    }

    /**
     * The vocabulary for the texts so far. It is smaller than asked for if no pair is left that occurs twice.
     *
     * @param vocabulary V, special tokens and bytes included
     * @throws InvalidRequestException if V has no room for special tokens and bytes
     */
    public TokenizerMetadata train(int vocabulary) {
        List<String> specials = special.all();
        if (vocabulary < specials.size() + 256) {
            throw new InvalidRequestException(
                    "vocabulary", "at least " + (specials.size() + 256) + ", for bytes and special tokens", vocabulary);
        }
        Merging merging = new Merging(specials, vocabulary);
        merging.run();
        String[] tokens = merging.tokens.toArray(String[]::new);
        int[] types = new int[tokens.length];
        Arrays.fill(types, TokenType.NORMAL);
        Arrays.fill(types, 0, specials.size(), TokenType.CONTROL);
        TokenizerMetadata.Builder builder = TokenizerMetadata.builder("gpt2", tokens, types);
        builder.pre = PRE;
        builder.merges = merging.merges.toArray(String[]::new);
        builder.paddingId = special.padding == null ? VocabularyTokenizer.NONE : specials.indexOf(special.padding);
        builder.beginId = special.begin == null ? VocabularyTokenizer.NONE : specials.indexOf(special.begin);
        builder.endId = specials.indexOf(special.end);
        builder.addBegin = special.begin != null;
        builder.addEnd = special.addEnd;
        builder.endOfTextIds = List.of(builder.endId);
        return builder.build();
    }

    /** A pair of tokens and how often it stood side by side when this was queued. */
    private record Candidate(long count, int left, int right) implements Comparable<Candidate> {
        @Override
        public int compareTo(Candidate other) {
            int byCount = Long.compare(other.count, count);
            int byLeft = byCount != 0 ? byCount : Integer.compare(left, other.left);
            return byLeft != 0 ? byLeft : Integer.compare(right, other.right);
        }
    }

    private static final class Pair {
        private long count;
        private final Ids words = new Ids();
    }

    /** One run of training. */
    private final class Merging {
        private final int vocabulary;
        private final List<String> tokens = new ArrayList<>();
        private final Set<String> known = new HashSet<>();
        private final List<String> merges = new ArrayList<>();
        private final int[][] words = new int[counts.size()][];
        private final long[] wordCounts = new long[counts.size()];
        private final Map<Long, Pair> pairs = new HashMap<>();
        private final PriorityQueue<Candidate> queue = new PriorityQueue<>();

        Merging(List<String> specials, int vocabulary) {
            this.vocabulary = vocabulary;
            specials.forEach(this::addToken);
            for (int value = 0; value < 256; value++) {
                addToken(String.valueOf(ByteAlphabet.character(value)));
            }
            int index = 0;
            for (Map.Entry<String, long[]> word : counts.entrySet()) {
                byte[] bytes = word.getKey().getBytes(StandardCharsets.UTF_8);
                int[] ids = new int[bytes.length];
                for (int i = 0; i < ids.length; i++) {
                    ids[i] = specials.size() + (bytes[i] & 0xFF);
                }
                words[index] = ids;
                wordCounts[index] = word.getValue()[0];
                count(index, 1);
                index++;
            }
            pairs.forEach((key, pair) -> queue.add(candidate(key, pair)));
        }

        private void addToken(String token) {
            known.add(token);
            tokens.add(token);
        }

        private static long key(int left, int right) {
            return (long) left << 32 | right;
        }

        private static Candidate candidate(long key, Pair pair) {
            return new Candidate(pair.count, (int) (key >>> 32), (int) key);
        }

        /** Adds the pairs of a word to the counts, or takes them away. */
        private void count(int word, int sign) {
            int[] ids = words[word];
            for (int i = 0; i + 1 < ids.length; i++) {
                Pair pair = pairs.computeIfAbsent(key(ids[i], ids[i + 1]), key -> new Pair());
                pair.count += sign * wordCounts[word];
                if (sign > 0) {
                    pair.words.add(word);
                }
            }
        }

        private void run() {
            while (tokens.size() < vocabulary && !queue.isEmpty()) {
                Candidate top = queue.remove();
                Pair pair = pairs.get(key(top.left, top.right));
                if (pair == null || pair.count < 2) {
                    continue;
                }
                if (pair.count != top.count) {
                    // Counts only fall while a pair waits; it goes back to where it belongs now.
                    queue.add(candidate(key(top.left, top.right), pair));
                    continue;
                }
                String joined = tokens.get(top.left) + tokens.get(top.right);
                // What two pairs would both spell, or a special token, is one token: the first.
                if (!known.contains(joined)) {
                    merge(top.left, top.right, joined, pair);
                }
            }
        }

        private void merge(int left, int right, String joined, Pair pair) {
            merges.add(tokens.get(left) + " " + tokens.get(right));
            int merged = tokens.size();
            addToken(joined);
            Set<Long> changed = new HashSet<>();
            for (int word : pair.words.toArray()) {
                int[] joinedWord = join(words[word], left, right, merged);
                if (joinedWord.length < words[word].length) {
                    count(word, -1);
                    words[word] = joinedWord;
                    count(word, 1);
                    for (int i = 0; i + 1 < joinedWord.length; i++) {
                        if (joinedWord[i] == merged || joinedWord[i + 1] == merged) {
                            changed.add(key(joinedWord[i], joinedWord[i + 1]));
                        }
                    }
                }
            }
            pairs.remove(key(left, right));
            for (long key : changed) {
                Pair grown = pairs.get(key);
                if (grown != null) {
                    queue.add(candidate(key, grown));
                }
            }
        }

        private static int[] join(int[] ids, int left, int right, int merged) {
            int[] joined = new int[ids.length];
            int size = 0;
            for (int i = 0; i < ids.length; i++) {
                if (i + 1 < ids.length && ids[i] == left && ids[i + 1] == right) {
                    joined[size++] = merged;
                    i++;
                } else {
                    joined[size++] = ids[i];
                }
            }
            return size == ids.length ? ids : Arrays.copyOf(joined, size);
        }
    }
}
