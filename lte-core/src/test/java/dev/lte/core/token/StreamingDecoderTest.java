package dev.lte.core.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StreamingDecoderTest {
    private static final String MIXED = "Grüße, 世界! 👩‍👩‍👧 नमस्ते 𝒳 Привет\u0000 e\u0301 🇩🇪.";

    /** Token id = byte value; 256 is special, 257 is two halves of characters at once. */
    private static final class Bytes implements VocabularyTokenizer {
        private final boolean strips;

        Bytes(boolean strips) {
            this.strips = strips;
        }

        @Override
        public byte[] bytes(int id) {
            return id < 256 ? new byte[] {(byte) id} : id == 256 ? new byte[0] : new byte[] {(byte) 0x96, (byte) 0xE7};
        }

        @Override
        public boolean isSpecial(int id) {
            return id == 256;
        }

        @Override
        public boolean stripsLeadingSpace() {
            return strips;
        }

        @Override
        public TokenizerMetadata metadata() {
            throw new UnsupportedOperationException();
        }

        @Override
        public int size() {
            return 258;
        }

        @Override
        public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            int[] ids = new int[bytes.length];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = bytes[i] & 0xFF;
            }
            return ids;
        }

        @Override
        public String decode(int... ids) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (int id : ids) {
                bytes.writeBytes(bytes(id));
            }
            return bytes.toString(StandardCharsets.UTF_8);
        }

        @Override
        public String piece(int id) {
            return String.valueOf(id);
        }

        @Override
        public List<Integer> endOfTextIds() {
            return List.of();
        }
    }

    private static String stream(VocabularyTokenizer tokenizer, int[] ids) {
        StreamingDecoder decoder = new StreamingDecoder(tokenizer, true, List.of());
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            String delta = decoder.append(id);
            assertThat(delta.isEmpty() || !Character.isHighSurrogate(delta.charAt(delta.length() - 1)))
                    .isTrue();
            text.append(delta);
        }
        return text.append(decoder.finish()).toString();
    }

    @Test
    void joinsToTheDecodedTextByteByByte() {
        Bytes tokenizer = new Bytes(false);
        assertThat(stream(tokenizer, tokenizer.encode(MIXED))).isEqualTo(MIXED);
    }

    @Test
    void emitsNoHalfCharactersAndHoldsBackNoWholeOnes() {
        StreamingDecoder decoder = new StreamingDecoder(new Bytes(false), true, List.of());
        assertThat(decoder.append(0xF0)).isEmpty();
        assertThat(decoder.append(0x9F)).isEmpty();
        assertThat(decoder.append(0x98)).isEmpty();
        assertThat(decoder.append(0x80)).isEqualTo("😀");
        assertThat(decoder.append('a')).isEqualTo("a");
        assertThat(decoder.append(0xC3)).isEmpty();
        assertThat(decoder.append('b')).isEqualTo("\uFFFDb");
        assertThat(decoder.append(0xE4)).isEmpty();
        assertThat(decoder.finish()).isEqualTo("\uFFFD");
    }

    @Test
    void joinsToTheDecodedTextForRandomIds() {
        Bytes tokenizer = new Bytes(false);
        for (int seed = 0; seed < 3000; seed++) {
            Random random = new Random(seed);
            int[] ids = new int[random.nextInt(40)];
            for (int i = 0; i < ids.length; i++) {
                int kind = random.nextInt(4);
                ids[i] = kind == 0 ? random.nextInt(258) : (kind == 1 ? 0x80 : 0xC0) + random.nextInt(64);
            }
            assertThat(stream(tokenizer, ids)).as("seed %d", seed).isEqualTo(tokenizer.decode(ids));
        }
    }

    @Test
    void joinsToTheDecodedTextOfRealVocabularies() throws IOException {
        for (String name : List.of("llama-spm", "gpt-2")) {
            VocabularyTokenizer tokenizer = TestVocabularies.gguf(name);
            for (int seed = 0; seed < 300; seed++) {
                int[] ids = new Random(seed).ints(30, 0, tokenizer.size()).toArray();
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                for (int id : ids) {
                    bytes.writeBytes(tokenizer.bytes(id));
                }
                String whole = bytes.toString(StandardCharsets.UTF_8);
                String expected = tokenizer.stripsLeadingSpace() && whole.startsWith(" ") ? whole.substring(1) : whole;
                assertThat(stream(tokenizer, ids)).as("%s, seed %d", name, seed).isEqualTo(expected);
            }
            assertThat(stream(tokenizer, tokenizer.encode(MIXED))).isEqualTo(MIXED);
        }
    }

    @Test
    void dropsTheArtificialSpaceOnlyAtTheBeginOfAText() {
        Bytes tokenizer = new Bytes(true);
        StreamingDecoder fresh = new StreamingDecoder(tokenizer, true, List.of());
        assertThat(fresh.append(256)).isEmpty();
        assertThat(fresh.append(' ')).isEmpty();
        assertThat(fresh.append(' ')).isEqualTo(" ");
        StreamingDecoder continuation = new StreamingDecoder(tokenizer, false, List.of());
        assertThat(continuation.append(' ')).isEqualTo(" ");
        StreamingDecoder letter = new StreamingDecoder(tokenizer, true, List.of());
        assertThat(letter.append('a') + letter.append(' ')).isEqualTo("a ");
    }

    @Test
    void stopsBeforeAStopStringAndEmitsNothingOfIt() {
        StreamingDecoder decoder = new StreamingDecoder(new Bytes(false), true, List.of("END", "\n\n"));
        StringBuilder text = new StringBuilder();
        for (char c : "bE END".toCharArray()) {
            text.append(decoder.append(c));
        }
        assertThat(text).hasToString("bE ");
        assertThat(decoder.stopped()).isTrue();
        assertThat(decoder.matchedStop()).isEqualTo("END");
        assertThat(decoder.append('x')).isEmpty();
        assertThat(decoder.finish()).isEmpty();
    }

    @Test
    void holdsBackOnlyWhatCanBecomeAStopString() {
        StreamingDecoder decoder = new StreamingDecoder(new Bytes(false), true, List.of("aab"));
        assertThat(decoder.append('a')).isEmpty();
        assertThat(decoder.append('a')).isEmpty();
        assertThat(decoder.append('a')).isEqualTo("a");
        assertThat(decoder.append('c')).isEqualTo("aac");
        assertThat(decoder.append('a')).isEmpty();
        assertThat(decoder.stopped()).isFalse();
        assertThat(decoder.finish()).isEqualTo("a");
    }

    @Test
    void findsStopStringsAsASearchOfTheWholeTextDoes() {
        Bytes tokenizer = new Bytes(false);
        for (int seed = 0; seed < 2000; seed++) {
            Random random = new Random(seed);
            String text = letters(random, random.nextInt(60));
            String shorter = letters(random, 1 + random.nextInt(6));
            List<String> stops = List.of(shorter, letters(random, 3 + random.nextInt(6)));
            StreamingDecoder decoder = new StreamingDecoder(tokenizer, true, stops);
            StringBuilder streamed = new StringBuilder();
            for (int id : tokenizer.encode(text)) {
                streamed.append(decoder.append(id));
            }
            streamed.append(decoder.finish());
            int end = stops.stream().mapToInt(stop -> end(text, stop)).min().orElseThrow();
            int begin = stops.stream()
                    .filter(stop -> end(text, stop) == end)
                    .mapToInt(stop -> end - stop.length())
                    .min()
                    .orElseThrow();
            String expected = end == Integer.MAX_VALUE ? text : text.substring(0, begin);
            assertThat(streamed).as("seed %d: %s in %s", seed, stops, text).hasToString(expected);
            assertThat(decoder.stopped()).as("seed %d", seed).isEqualTo(end != Integer.MAX_VALUE);
        }
    }

    private static int end(String text, String stop) {
        int at = text.indexOf(stop);
        return at < 0 ? Integer.MAX_VALUE : at + stop.length();
    }

    private static String letters(Random random, int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(random.nextInt(8) == 0 ? "é" : random.nextBoolean() ? "a" : "b");
        }
        return text.toString();
    }

    @Test
    void refusesAStopStringThatBeginsInsideACharacter() {
        assertThatThrownBy(() -> new StreamingDecoder(new Bytes(false), true, List.of("\uDE00")))
                .isInstanceOf(InvalidRequestException.class);
    }
}
