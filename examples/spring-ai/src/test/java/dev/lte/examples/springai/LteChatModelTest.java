package dev.lte.examples.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.ContextOverflowException;
import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import dev.lte.ResponseFormat;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.UnsupportedSchemaException;
import dev.lte.chat.ToolChoice;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.Media;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.util.MimeTypeUtils;
import reactor.test.StepVerifier;

@Timeout(60)
class LteChatModelTest {
    private static Stories stories;
    private static LteChatModel chat;

    @BeforeAll
    static void load() {
        stories = new Stories(Stories.TEMPLATE);
        chat = LteChatModel.builder(stories.model)
                .options(LteChatOptions.builder().temperature(0.0).maxTokens(12).build())
                .build();
    }

    @AfterAll
    static void close() {
        stories.close();
    }

    private static Prompt prompt(UnaryOperator<LteChatOptions.Builder> options) {
        return new Prompt(
                "Once upon",
                options.apply(LteChatOptions.builder().temperature(0.0).maxTokens(12))
                        .build());
    }

    private static Generation result(ChatResponse response) {
        return Objects.requireNonNull(response.getResult());
    }

    private static String text(ChatResponse response) {
        return Objects.requireNonNull(result(response).getOutput().getText());
    }

    private static List<ChatResponse> parts(LteChatModel model, Prompt prompt) {
        return Objects.requireNonNull(model.stream(prompt).collectList().block(Stories.SOON));
    }

    @Test
    void aCallHasTextFinishReasonUsageAndWhatWasMeasured() {
        ChatResponse response = chat.call(prompt(o -> o.seed(3L)));
        assertThat(text(response)).isNotBlank();
        assertThat(response.getMetadata().getModel())
                .isEqualTo(stories.model.info().name())
                .isEqualTo(chat.getOptions().getModel());
        assertThat(response.getMetadata().getUsage().getCompletionTokens()).isEqualTo(12);
        assertThat(response.getMetadata().getUsage().getPromptTokens()).isPositive();
        assertThat(response.getMetadata().getUsage().getNativeUsage()).isInstanceOf(dev.lte.Usage.class);
        assertThat(result(response).getMetadata().getFinishReason()).isEqualTo("LENGTH");
        Timings timings = result(response).getMetadata().get(LteMetadata.TIMINGS);
        assertThat(Objects.requireNonNull(timings).tokensPerSecond()).isPositive();
        SparsityReport sparsity = result(response).getMetadata().get(LteMetadata.SPARSITY);
        assertThat(Objects.requireNonNull(sparsity).perLayer()).hasSize(5);
        assertThat(result(response).getMetadata().<Long>get(LteMetadata.SEED)).isEqualTo(3L);
    }

    @Test
    void aStreamIsDeltasAndTheLastPartTellsTheRest() {
        List<ChatResponse> parts = parts(chat, new Prompt("Once upon"));
        assertThat(parts.stream().map(LteChatModelTest::text).collect(Collectors.joining()))
                .isEqualTo(text(chat.call(new Prompt("Once upon"))));
        assertThat(parts).hasSizeGreaterThan(8);
        for (ChatResponse part : parts.subList(0, parts.size() - 1)) {
            assertThat(text(part)).isNotEmpty();
            assertThat(result(part).getMetadata().getFinishReason()).isNull();
            assertThat(part.getMetadata().getUsage().getTotalTokens()).isZero();
        }
        ChatResponse last = parts.getLast();
        assertThat(text(last)).isEmpty();
        assertThat(result(last).getMetadata().getFinishReason()).isEqualTo("LENGTH");
        assertThat(last.getMetadata().getUsage().getCompletionTokens()).isEqualTo(12);
        assertThat(result(last).getMetadata().containsKey(LteMetadata.TIMINGS)).isTrue();
    }

    @Test
    void withoutASeedAnswersDifferAndTheReportedOneRepeatsThem() {
        ChatResponse first = chat.call(prompt(o -> o.temperature(1.5).maxTokens(30)));
        Long seed = result(first).getMetadata().get(LteMetadata.SEED);
        assertThat(text(chat.call(prompt(o -> o.temperature(1.5).maxTokens(30)))))
                .isNotEqualTo(text(first));
        assertThat(text(chat.call(prompt(o -> o.temperature(1.5).maxTokens(30).seed(seed)))))
                .isEqualTo(text(first));
    }

    @Test
    void portableOptionsAreLaidOverTheModelsOwnAndOwnOptionsStandForThemselves() {
        ChatResponse portable = chat.call(
                new Prompt("Once upon", ChatOptions.builder().maxTokens(5).build()));
        assertThat(portable.getMetadata().getUsage().getCompletionTokens()).isEqualTo(5);
        assertThat(text(portable))
                .as("the temperature 0 of the model's own options")
                .isEqualTo(text(chat.call(prompt(o -> o.maxTokens(5)))));
        ChatResponse own = chat.call(new Prompt(
                "Once upon", LteChatOptions.builder().temperature(0.0).build()));
        assertThat(own.getMetadata().getUsage().getCompletionTokens()).isGreaterThan(12);
    }

    @Test
    void aStopSequenceEndsTheTextAndIsNamed() {
        String whole = text(chat.call(prompt(o -> o)));
        String stop = whole.substring(6, 8);
        ChatResponse response = chat.call(prompt(o -> o.stopSequences(List.of(stop))));
        assertThat(text(response)).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(result(response).getMetadata().getFinishReason()).isEqualTo("STOP");
        assertThat(result(response).getMetadata().<String>get(LteMetadata.STOP_STRING))
                .isEqualTo(stop);
    }

    @Test
    void logProbabilitiesAreOfEveryToken() {
        Prompt prompt = prompt(o -> o.logProbabilities(2));
        List<?> whole = result(chat.call(prompt)).getMetadata().get(LteMetadata.LOG_PROBABILITIES);
        assertThat(whole).hasSize(12);
        List<Object> streamed = parts(chat, prompt).stream()
                .flatMap(part ->
                        result(part)
                                .getMetadata()
                                .<List<?>>getOrDefault(LteMetadata.LOG_PROBABILITIES, List.of())
                                .stream())
                .collect(Collectors.toList());
        assertThat(streamed).isEqualTo(whole);
    }

    @Test
    void reasoningIsInTheMessagesMetadata() {
        try (Stories thinking = new Stories(Stories.THINKING)) {
            LteChatModel model = LteChatModel.builder(thinking.model).build();
            ChatResponse response = model.call(prompt(o -> o));
            assertThat(text(response)).isEmpty();
            Object reasoning = result(response).getOutput().getMetadata().get(LteMetadata.REASONING);
            assertThat(reasoning).asString().isNotBlank();
            List<ChatResponse> parts = parts(model, prompt(o -> o));
            assertThat(parts.stream()
                            .map(part -> String.valueOf(result(part)
                                    .getOutput()
                                    .getMetadata()
                                    .getOrDefault(LteMetadata.REASONING_DELTA, "")))
                            .collect(Collectors.joining()))
                    .isEqualTo(reasoning);
            assertThat(result(parts.getLast()).getOutput().getMetadata())
                    .containsEntry(LteMetadata.REASONING, reasoning);
        }
    }

    @Test
    void partsAreMadeOnlyOnDemandAndCancellationStopsTheModel() throws InterruptedException {
        stories.outcomes.clear();
        StepVerifier.create(chat.stream(prompt(o -> o.maxTokens(400).ignoreEndOfText(true))), 3)
                .expectNextCount(3)
                .expectNoEvent(Duration.ofMillis(200))
                .thenCancel()
                .verify(Stories.SOON);
        assertThat(stories.lastOutcome()).isEqualTo("cancelled");
    }

    @Test
    void anInterruptedCallStopsTheModel() throws InterruptedException {
        stories.outcomes.clear();
        // A whole answer takes the small model a tenth of a second, so one of them may end before the interrupt; not
        // each.
        for (int i = 0; i < 20 && !stories.outcomes.contains("cancelled"); i++) {
            Thread caller = Thread.ofPlatform()
                    .start(() -> assertThatThrownBy(
                                    () -> chat.call(prompt(o -> o.maxTokens(450).ignoreEndOfText(true))))
                            .isInstanceOf(RuntimeException.class));
            while (stories.model.activeStreams() == 0 && caller.isAlive()) {
                Thread.onSpinWait();
            }
            caller.interrupt();
            caller.join();
            stories.lastOutcome();
        }
        assertThat(stories.outcomes).contains("cancelled");
    }

    static Stream<Arguments> refused() {
        UserMessage picture = UserMessage.builder()
                .text("x")
                .media(new Media(MimeTypeUtils.IMAGE_PNG, new ByteArrayResource(new byte[1])))
                .build();
        return Stream.of(
                Arguments.of("model", prompt(o -> o.model("gpt-4")), InvalidRequestException.class),
                Arguments.of("temperature", prompt(o -> o.temperature(-1.0)), InvalidRequestException.class),
                Arguments.of("topK", prompt(o -> o.topK(-1)), InvalidRequestException.class),
                Arguments.of("minP", prompt(o -> o.minP(1.0)), InvalidRequestException.class),
                Arguments.of("maxTokens", prompt(o -> o.maxTokens(0)), InvalidRequestException.class),
                Arguments.of("logProbabilities", prompt(o -> o.logProbabilities(21)), InvalidRequestException.class),
                Arguments.of("threshold", prompt(o -> o.threshold(0.5)), InvalidRequestException.class),
                Arguments.of("reasoning", prompt(o -> o.reasoning(true)), InvalidRequestException.class),
                Arguments.of(
                        "toolChoice", prompt(o -> o.toolChoice(ToolChoice.required())), InvalidRequestException.class),
                Arguments.of("stopIds", prompt(o -> o.stopIds(List.of(99_999))), InvalidRequestException.class),
                Arguments.of("logitBias", prompt(o -> o.logitBias(Map.of(1, 101f))), InvalidRequestException.class),
                Arguments.of(
                        "keyword not", prompt(o -> o.outputSchema("{\"not\":{}}")), UnsupportedSchemaException.class),
                Arguments.of("context", prompt(o -> o.maxTokens(100_000)), ContextOverflowException.class),
                Arguments.of("media", new Prompt(picture), InvalidRequestException.class),
                Arguments.of(
                        "options",
                        new Prompt("x", new ForeignOptions.Builder().build()),
                        InvalidRequestException.class));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void whatCannotBeHonouredIsAnErrorByName(String name, Prompt prompt, Class<? extends LteException> type) {
        assertThatThrownBy(() -> chat.call(prompt)).isInstanceOf(type).hasMessageContaining(name);
        StepVerifier.create(chat.stream(prompt))
                .verifyErrorSatisfies(
                        error -> assertThat(error).isInstanceOf(type).hasMessageContaining(name));
    }

    @Test
    void aJsonObjectIsEnforced() {
        ChatResponse response = chat.call(
                prompt(o -> o.temperature(1.2).maxTokens(400).seed(1L).responseFormat(ResponseFormat.jsonObject())));
        assertThat(text(response)).startsWith("{");
    }

    @Test
    void theWholeConversationIsSent() {
        Prompt prompt = new Prompt(
                List.of(new UserMessage("Once"), new AssistantMessage("upon"), new UserMessage("a time")),
                LteChatOptions.builder().temperature(0.0).maxTokens(4).build());
        int tokens = chat.call(prompt).getMetadata().getUsage().getPromptTokens();
        assertThat(tokens)
                .isEqualTo(stories.model.tokenizer().encode("u: Once\na: upon\nu: a time\na: ", false, false).length);
    }
}
