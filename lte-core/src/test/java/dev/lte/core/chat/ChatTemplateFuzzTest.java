package dev.lte.core.chat;

import static org.assertj.core.api.Assertions.fail;

import dev.lte.LteException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Damaged templates end in a prompt or a typed error, never in anything else, and soon. */
class ChatTemplateFuzzTest {
    private static final List<String> FRAGMENTS = List.of(
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "-",
            "+",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "'",
            "\"",
            "\\",
            "|",
            ".",
            ",",
            ":",
            "~",
            "**",
            "//",
            " if ",
            " else ",
            " is ",
            " not ",
            " in ",
            "for x in range(99999)",
            "{% endfor %}",
            "{% set x = ",
            "{% raw %}",
            "messages",
            "loop",
            "|tojson",
            "|map(",
            "|sort",
            "*9999",
            "|join(",
            "[::-1]",
            "namespace(",
            "caller()",
            "\n",
            "\u0000",
            "\ud83d",
            "é",
            "1e999",
            "0x",
            "99999999999999999999",
            "{% macro f() %}",
            "{% endmacro %}",
            "f(");

    @Test
    void endsInAPromptOrATypedError() {
        fuzz(2_000, 20241124);
    }

    @Test
    @Tag("long")
    void endsInAPromptOrATypedErrorForManyMutations() {
        fuzz(200_000, 7);
    }

    private static void fuzz(int mutations, long seed) {
        Map<String, Object> golden = Goldens.json("rendered.json");
        Map<String, Object> conversations = Goldens.object(golden, "conversations");
        List<String> names = List.copyOf(conversations.keySet());
        List<String> sources = new java.util.ArrayList<>(
                Goldens.TEMPLATES.stream().map(Goldens::template).toList());
        Goldens.cases(Goldens.json("semantics.json")).forEach(c -> sources.add((String) c.get("template")));
        Random random = new Random(seed);
        for (int i = 0; i < mutations; i++) {
            String source = sources.get(random.nextInt(i % 2 == 0 ? Goldens.TEMPLATES.size() : sources.size()));
            for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
                source = mutate(source, random);
            }
            long start = System.nanoTime();
            try {
                ChatTemplate.parse(source, Goldens.CLOCK)
                        .render(Goldens.object(conversations, names.get(random.nextInt(names.size()))));
            } catch (LteException e) {
                // The contract.
            } catch (RuntimeException | Error e) {
                fail("seed " + seed + ", mutation " + i + ":\n" + source, e);
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            if (seconds > 10) {
                fail("seed " + seed + ", mutation " + i + " took " + seconds + " s:\n" + source);
            }
        }
    }

    private static String mutate(String source, Random random) {
        int at = random.nextInt(source.length() + 1);
        int end = Math.min(source.length(), at + random.nextInt(12));
        return switch (random.nextInt(5)) {
            case 0 -> source.substring(0, at) + source.substring(end);
            case 1 -> source.substring(0, at) + FRAGMENTS.get(random.nextInt(FRAGMENTS.size())) + source.substring(at);
            case 2 -> source.substring(0, at) + FRAGMENTS.get(random.nextInt(FRAGMENTS.size())) + source.substring(end);
            case 3 ->
                source.substring(0, at)
                        + source.substring(at, end).repeat(1 + random.nextInt(5))
                        + source.substring(end);
            default -> {
                int from = random.nextInt(source.length() + 1);
                yield source.substring(0, at)
                        + source.substring(from, Math.min(source.length(), from + random.nextInt(60)))
                        + source.substring(at);
            }
        };
    }
}
