package dev.lte.core.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import dev.lte.UnsupportedSchemaException;
import dev.lte.core.token.TestVocabularies;
import dev.lte.core.token.VocabularyTokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TaggedSchemaTest {
    private static final String WEATHER =
            "{\"type\":\"object\",\"properties\":{\"city\":{\"enum\":[\"Bern\",\"Rom\"]}},\"required\":[\"city\"]}";
    private static final String ADD =
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":9},"
                    + "\"b\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":9}},\"required\":[\"a\",\"b\"]}";
    private static final List<TaggedSchema> TOOLS = List.of(
            new TaggedSchema("<tool_call>\n{\"name\": \"weather\", \"arguments\": ", WEATHER, "}\n</tool_call>"),
            new TaggedSchema("<tool_call>\n{\"name\": \"add\", \"arguments\": ", ADD, "}\n</tool_call>"));
    private static final String CALL =
            "<tool_call>\n\\{\"name\": \"(weather\", \"arguments\": \\{\"city\": ?\"(Bern|Rom)\"}"
                    + "|add\", \"arguments\": \\{\"a\": ?\\d, ?\"b\": ?\\d})}\n</tool_call>";

    private static VocabularyTokenizer tokenizer() throws IOException {
        return TestVocabularies.gguf("gpt-2");
    }

    private static String write(ConstraintGrammar grammar, VocabularyTokenizer tokenizer, int length, long seed) {
        byte[] text = new RandomTexts(tokenizer).write(grammar.newConstraint(), length, new SplittableRandom(seed));
        return new String(text, StandardCharsets.UTF_8);
    }

    @Test
    void aRequiredCallIsOneOfTheTools() throws IOException {
        VocabularyTokenizer tokenizer = tokenizer();
        ConstraintGrammar grammar = new ConstraintCompiler(tokenizer).oneOf(TOOLS, false);
        boolean weather = false;
        boolean add = false;
        for (long seed = 0; seed < 40; seed++) {
            String text = write(grammar, tokenizer, 200, seed);
            assertThat(text).as("seed %d", seed).matches(CALL);
            weather |= text.contains("weather");
            add |= text.contains("add");
        }
        assertThat(weather && add).isTrue();
    }

    @Test
    void repeatedCallsFollowEachOther() throws IOException {
        VocabularyTokenizer tokenizer = tokenizer();
        ConstraintGrammar grammar = new ConstraintCompiler(tokenizer).oneOf(TOOLS, true);
        for (long seed = 0; seed < 10; seed++) {
            assertThat(write(grammar, tokenizer, 120, seed)).as("seed %d", seed).matches("(" + CALL + ")+");
        }
    }

    @Test
    void textIsFreeUntilTheTriggerWhateverTokensWriteIt() throws IOException {
        VocabularyTokenizer tokenizer = tokenizer();
        ConstraintGrammar grammar = new ConstraintCompiler(tokenizer).textUntil("<tool_call>", TOOLS, false);
        TokenConstraint constraint = grammar.newConstraint();
        for (int id : tokenizer.encode("Let me see. <tool_<tool", false, false)) {
            assertThat(constraint.canEnd()).isTrue();
            constraint.accept(id);
        }
        int[] trigger = tokenizer.encode("_call>\n{\"name\": \"", false, false);
        for (int id : trigger) {
            constraint.accept(id);
        }
        assertThat(constraint.canEnd()).isFalse();
        int[] wrong = tokenizer.encode("other", false, false);
        assertThatThrownBy(() -> constraint.accept(wrong[0])).isInstanceOf(IllegalArgumentException.class);
        String rest = "weather\", \"arguments\": {\"city\":\"Rom\"}}\n</tool_call>";
        for (int id : tokenizer.encode(rest, false, false)) {
            constraint.accept(id);
        }
        assertThat(constraint.isComplete()).isTrue();
    }

    @Test
    void specialTokensCanBeTriggersAndStandInFreeText() throws IOException {
        VocabularyTokenizer llama = TestVocabularies.gguf("llama-spm");
        int begin = llama.beginOfTextId();
        String piece = llama.piece(begin);
        ConstraintGrammar grammar = new ConstraintCompiler(llama)
                .textUntil(piece, List.of(new TaggedSchema(piece, "{\"const\":1}", "")), true);
        TokenConstraint constraint = grammar.newConstraint();
        for (int id : llama.encode("a text", false, false)) {
            constraint.accept(id);
        }
        constraint.accept(begin);
        assertThat(constraint.canEnd()).isFalse();
        long[] mask = new long[constraint.maskLength()];
        constraint.writeMask(mask);
        StringBuilder allowed = new StringBuilder();
        for (int id = 0; id < llama.size(); id++) {
            if ((mask[id >> 6] >>> id & 1) != 0) {
                allowed.append(llama.piece(id)).append('|');
                constraint.accept(id);
                break;
            }
        }
        assertThat(allowed.toString()).isIn("1|", "<0x31>|");
        assertThat(constraint.canEnd()).isTrue();
        // In plain characters it is no trigger, and a reader could take it for one.
        int[] plain = llama.encode("a " + piece, false, false);
        for (int i = 0; i < plain.length - 1; i++) {
            constraint.accept(plain[i]);
            assertThat(constraint.canEnd()).isTrue();
        }
        assertThatThrownBy(() -> constraint.accept(plain[plain.length - 1]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anEndTokenCompletesAndNothingFollows() throws IOException {
        VocabularyTokenizer tokenizer = tokenizer();
        TokenConstraint constraint = new ConstraintCompiler(tokenizer)
                .jsonSchema("{\"type\":\"integer\"}")
                .newConstraint();
        int end = tokenizer.endOfTextIds().getFirst();
        assertThatThrownBy(() -> constraint.accept(end)).isInstanceOf(IllegalArgumentException.class);
        constraint.accept(tokenizer.encode("12", false, false)[0]);
        assertThat(constraint.canEnd()).isTrue();
        assertThat(constraint.isComplete()).isFalse();
        constraint.accept(end);
        assertThat(constraint.isComplete()).isTrue();
        assertThatThrownBy(() -> constraint.accept(end)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void damagedValuesAreErrorsThatNameTheSchema() throws IOException {
        ConstraintCompiler compiler = new ConstraintCompiler(tokenizer());
        assertThatThrownBy(() -> compiler.oneOf(List.of(), false)).isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> compiler.textUntil("<x>", TOOLS, false)).isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> compiler.oneOf(
                        List.of(TOOLS.getFirst(), new TaggedSchema("", "{\"items\":{\"not\":{}}}", "")), false))
                .isInstanceOfSatisfying(
                        UnsupportedSchemaException.class,
                        e -> assertThat(e.path()).isEqualTo("1#/items"));
    }
}
