package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.FinishReason;
import dev.lte.InvalidRequestException;
import dev.lte.UnsupportedSchemaException;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.Tool;
import dev.lte.core.conversation.ReplyFormat;
import dev.lte.core.conversation.ReplyParser;
import dev.lte.core.conversation.ReplyParts;
import dev.lte.core.io.JsonView;
import dev.lte.core.schema.TokenConstraint;
import dev.lte.core.token.VocabularyTokenizer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.test.StepVerifier;
import tools.jackson.databind.JsonNode;

/** Strict tools where the model decides whether to call one. */
class StrictToolsTest {
    private static final String HERMES = "{% if tools %}<tool_call></tool_call>{% endif %}";
    private static final String MISTRAL = "{% if tools %}[TOOL_CALLS]{% endif %}";
    private static final String MISTRAL_ARGS = "{% if tools %}[TOOL_CALLS][ARGS]{% endif %}";
    private static final String LLAMA = "{% if tools %}<|python_tag|>\"parameters\"{% endif %}";

    private static final Tool ADD = new Tool("add", "", """
            {"type": "object", "properties": {"a": {"enum": [1, 2]}, "b": {"type": "boolean"}}, "required": ["a", "b"]}""");
    private static final Tool LOOSE = new Tool("loose", "", "{\"type\":\"object\",\"required\":[\"never\"]}");

    private static final class Call implements ReplyParts {
        private final StringBuilder text = new StringBuilder();
        private final StringBuilder arguments = new StringBuilder();
        private String name = "";
        private int ended;

        @Override
        public void text(String part) {
            text.append(part);
        }

        @Override
        public void reasoning(String part) {}

        @Override
        public void callBegins(String begun) {
            name = begun;
        }

        @Override
        public void callArguments(String json) {
            arguments.append(json);
        }

        @Override
        public void callEnds() {
            ended++;
        }
    }

    private static void accept(TokenConstraint constraint, VocabularyTokenizer tokenizer, String text) {
        for (int id : tokenizer.encode(text, false, false)) {
            constraint.accept(id);
        }
    }

    /** Tokens drawn from the mask until the text may end; what they say. What closes a string or an object is drawn often. */
    private static String drawn(TokenConstraint constraint, VocabularyTokenizer tokenizer, Random random) {
        StringBuilder text = new StringBuilder();
        long[] mask = new long[constraint.maskLength()];
        for (int i = 0; i < 500 && !constraint.canEnd(); i++) {
            Arrays.fill(mask, 0);
            constraint.writeMask(mask);
            int[] allowed = BitSet.valueOf(mask).stream().toArray();
            int[] closing = Arrays.stream(allowed)
                    .filter(token -> "\"}]".contains(new String(tokenizer.bytes(token), StandardCharsets.ISO_8859_1)))
                    .toArray();
            int[] from = closing.length > 0 && random.nextBoolean() ? closing : allowed;
            int id = from[random.nextInt(from.length)];
            constraint.accept(id);
            text.append(new String(tokenizer.bytes(id), StandardCharsets.ISO_8859_1));
        }
        assertThat(constraint.canEnd()).isTrue();
        return text.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {HERMES, MISTRAL, MISTRAL_ARGS})
    void aCallInTheMiddleOfTextSatisfiesTheSchema(String template) {
        ReplyFormat format = ReplyFormat.of(template);
        try (TestEngine engine = new TestEngine(3, false)) {
            VocabularyTokenizer tokenizer = engine.source.tokenizer();
            ChatRequest request =
                    ChatRequest.of(c -> c.user("x").tool(ADD.asStrict()).tool(LOOSE));
            for (long seed = 0; seed < 20; seed++) {
                TokenConstraint constraint = Objects.requireNonNull(new Constraints(tokenizer).of(request, format));
                String before = "Let me see. { < [TOOL <tool";
                accept(constraint, tokenizer, before);
                assertThat(constraint.canEnd()).isTrue();
                String mark = Objects.requireNonNull(format.callMark());
                accept(constraint, tokenizer, mark);
                String reply = before + mark + drawn(constraint, tokenizer, new Random(seed));

                Call call = new Call();
                ReplyParser parser = new ReplyParser(format, Set.of("add", "loose"), false, call);
                parser.append(reply);
                parser.finish();
                assertThat(call.ended).as("seed %d: %s", seed, reply).isEqualTo(1);
                assertThat(call.text.toString().strip()).isEqualTo(before);
                JsonNode json = JsonView.mapper().readTree(call.arguments.toString());
                assertThat(json.isObject()).isTrue();
                if (call.name.equals("add")) {
                    assertThat(json.get("a").intValue()).isBetween(1, 2);
                    assertThat(json.get("b").isBoolean()).isTrue();
                } else {
                    assertThat(call.name).isEqualTo("loose");
                }
                // Text may follow, and another call.
                accept(constraint, tokenizer, " Done." + mark);
                assertThat(constraint.canEnd()).isFalse();
            }
        }
    }

    @Test
    void withoutAStrictToolNothingIsHeldToASchema() {
        try (TestEngine engine = new TestEngine(3, false)) {
            Constraints constraints = new Constraints(engine.source.tokenizer());
            assertThat(constraints.of(ChatRequest.of(c -> c.user("x").tool(ADD)), ReplyFormat.of(HERMES)))
                    .isNull();
        }
    }

    @Test
    void whatCannotBeEnforcedIsRefused() {
        try (TestEngine engine = new TestEngine(3, false)) {
            Constraints constraints = new Constraints(engine.source.tokenizer());
            ChatRequest strict = ChatRequest.of(c -> c.user("x").tool(ADD.asStrict()));
            assertThatThrownBy(() -> constraints.of(strict, ReplyFormat.of(LLAMA)))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("mark");
            Tool unknown = new Tool("f", "", "{\"type\":\"object\",\"not\":{}}", true);
            assertThatThrownBy(() ->
                            constraints.of(ChatRequest.of(c -> c.user("x").tool(unknown)), ReplyFormat.of(HERMES)))
                    .isInstanceOf(UnsupportedSchemaException.class);
        }
    }

    @Test
    void aStreamWithAStrictToolMayAnswerInText() {
        String template = TestEngine.TEMPLATE + HERMES;
        try (TestEngine engine = new TestEngine(3, true, TestEngine.Limits.defaults(), null, template)) {
            StepVerifier.create(engine.model.reply(ChatRequest.of(
                            c -> c.user("x").tool(ADD.asStrict()).maxTokens(20).ignoreEndOfText(true))))
                    .assertNext(completed -> {
                        assertThat(completed.finishReason()).isEqualTo(FinishReason.LENGTH);
                        assertThat(completed.message().toolCalls()).isEqualTo(List.of());
                        assertThat(completed).isInstanceOf(ChatEvent.Completed.class);
                    })
                    .expectComplete()
                    .verify(Duration.ofSeconds(10));
        }
    }
}
