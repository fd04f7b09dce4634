package dev.lte.core.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.UnsupportedModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SplitPatternTest {
    private static List<String> matches(String pattern, String text) {
        List<String> found = new ArrayList<>();
        SplitPattern.Sink sink = (from, to) -> found.add(text.substring(from, to));
        SplitPatternParser.parse(pattern).find(text, 0, text.length(), sink);
        return found;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                NamedPreTokenizers.GPT2,
                NamedPreTokenizers.LLAMA3,
                NamedPreTokenizers.QWEN2,
                NamedPreTokenizers.TEKKEN,
                NamedPreTokenizers.GPT_4O,
                "\\s+$",
                "\\s?\\p{P}+",
                "a{2,3}b?(?:c|dd)?",
                "[^a-c\\s]+|(?=b)b|\\x41\\u0062",
                "a++b|ab|\\S",
                "(?i:ab|[c-d]e)"
            })
    void matchesAsTheRegularExpressionsOfJavaDo(String pattern) {
        Pattern java = Pattern.compile(pattern, Pattern.UNICODE_CHARACTER_CLASS);
        String alphabet = "aAbBcdDe'sStTrRvelLmM12é世É٣²①.,!?/-_ \t\r\n\u00A0\u0301\u3000😀\uD835\uDCB3ǅʰ";
        int[] letters = alphabet.codePoints().toArray();
        for (int seed = 0; seed < 1500; seed++) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder();
            int bound = random.nextBoolean() ? letters.length : 8;
            for (int i = random.nextInt(20); i > 0; i--) {
                text.appendCodePoint(letters[random.nextInt(bound)]);
            }
            List<String> expected = new ArrayList<>();
            Matcher matcher = java.matcher(text);
            while (matcher.find()) {
                if (!matcher.group().isEmpty()) {
                    expected.add(matcher.group());
                }
            }
            // Java's $ also matches before a last line end; this one, as pre-tokenizers mean it, only at the end.
            if (!(pattern.endsWith("$") && text.toString().matches("(?s).*[\\r\\n]"))) {
                assertThat(matches(pattern, text.toString()))
                        .as("seed %d: %s", seed, text)
                        .isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(a",
                "a)",
                "[a",
                "[a[b]]",
                "[a&&b]",
                "(a|b)*",
                "a*?",
                "(?<=a)b",
                "(?<n>a)",
                "^a",
                "\\b",
                "\\1",
                "\\p{Mystery}",
                "[b-a]",
                "a{x}",
                "*a",
                "\\",
                "\\u{zz}",
                "(?=a)?",
                "[a-\\d]",
                "\\p",
                "\\xZ",
                "a{1"
            })
    void namesWhatItDoesNotKnow(String pattern) {
        assertThatThrownBy(() -> SplitPatternParser.parse(pattern))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining(pattern);
    }

    @Test
    void givesUpOnPatternsThatBacktrackWithoutEnd() {
        String text = "a".repeat(20_000);
        assertThatThrownBy(() -> matches("a*a*a*a*a*b", text)).isInstanceOf(UnsupportedModelException.class);
    }

    @Test
    void limitsNesting() {
        assertThatThrownBy(() -> SplitPatternParser.parse("(".repeat(1000) + ")".repeat(1000)))
                .isInstanceOf(UnsupportedModelException.class);
    }

    @ParameterizedTest
    @EnumSource(SplitBehavior.class)
    void splitsAsTheBehaviorSays(SplitBehavior behavior) {
        Pieces pieces = PreTokenizer.split(SplitPatternParser.literal("-"), behavior, false)
                .apply(Pieces.whole("the-final--countdown", true));
        List<String> words = new ArrayList<>();
        for (int i = 0; i < pieces.size(); i++) {
            words.add(pieces.text().substring(pieces.from(i), pieces.to(i)));
        }
        // The example of the tokenizers library's documentation.
        assertThat(words)
                .containsExactly(
                        switch (behavior) {
                            case REMOVED -> new String[] {"the", "final", "countdown"};
                            case ISOLATED -> new String[] {"the", "-", "final", "-", "-", "countdown"};
                            case MERGED_WITH_PREVIOUS -> new String[] {"the-", "final-", "-", "countdown"};
                            case MERGED_WITH_NEXT -> new String[] {"the", "-final", "-", "-countdown"};
                            case CONTIGUOUS -> new String[] {"the", "-", "final", "--", "countdown"};
                        });
    }
}
