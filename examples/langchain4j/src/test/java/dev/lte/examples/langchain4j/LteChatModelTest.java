package dev.lte.examples.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.CustomMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.lte.ContextOverflowException;
import dev.lte.LteException;
import dev.lte.ModelClosedException;
import dev.lte.UnsupportedSchemaException;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class LteChatModelTest {
    static final ToolSpecification ADD = ToolSpecification.builder()
            .name("add")
            .description("Adds")
            .parameters(JsonObjectSchema.builder()
                    .addEnumProperty("a", List.of("one", "two"))
                    .addBooleanProperty("b")
                    .required("a", "b")
                    .build())
            .build();
    private static final String ARGUMENTS = "\\{\"a\": ?\"(one|two)\", ?\"b\": ?(true|false)}";
    private static Stories stories;
    private static LteChatModel chat;
    private static LteStreamingChatModel streaming;

    @BeforeAll
    static void load() {
        stories = new Stories(Stories.TEMPLATE);
        streaming = LteStreamingChatModel.builder(stories.model).build();
        chat = LteChatModel.builder(stories.model)
                .defaultRequestParameters(LteChatRequestParameters.builder()
                        .temperature(0.0)
                        .maxOutputTokens(12)
                        .build())
                .build();
    }

    @AfterAll
    static void close() {
        stories.close();
    }

    static ChatRequest request(Consumer<LteChatRequestParameters.Builder> parameters) {
        LteChatRequestParameters.Builder builder = LteChatRequestParameters.builder();
        parameters.accept(builder);
        return ChatRequest.builder()
                .messages(UserMessage.from("Once upon"))
                .parameters(builder.build())
                .build();
    }

    private static String text(ChatResponse response) {
        return response.aiMessage().text();
    }

    @Test
    void anAnswerHasFinishReasonUsageAndWhatWasMeasured() {
        ChatResponse response = chat.chat(request(p -> p.seed(3L).logProbabilities(1)));
        assertThat(text(response)).isNotBlank();
        assertThat(response.finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(response.tokenUsage().outputTokenCount()).isEqualTo(12);
        assertThat(response.tokenUsage().inputTokenCount()).isPositive();
        LteChatResponseMetadata metadata = (LteChatResponseMetadata) response.metadata();
        assertThat(metadata.modelName()).isEqualTo(stories.model.info().name());
        assertThat(metadata.seed()).isEqualTo(3);
        assertThat(metadata.timings().tokensPerSecond()).isPositive();
        assertThat(metadata.sparsity().perLayer()).hasSize(5);
        assertThat(metadata.logProbabilities()).hasSize(12);
        assertThat(metadata.toBuilder().build()).isEqualTo(metadata);
    }

    @Test
    void parametersOfARequestAreLaidOverTheDefaults() {
        ChatResponse portable = chat.chat(ChatRequest.builder()
                .messages(UserMessage.from("Once upon"))
                .maxOutputTokens(5)
                .build());
        assertThat(portable.tokenUsage().outputTokenCount()).isEqualTo(5);
        assertThat(text(chat.chat(request(p -> p.seed(1L)))))
                .as("the temperature 0 of the defaults")
                .startsWith(text(portable));
        LteChatRequestParameters first =
                LteChatRequestParameters.builder().seed(1L).minP(0.1).build();
        LteChatRequestParameters second =
                LteChatRequestParameters.builder().seed(2L).topK(3).build();
        assertThat(first.overrideWith(second))
                .isEqualTo(LteChatRequestParameters.builder()
                        .seed(2L)
                        .minP(0.1)
                        .topK(3)
                        .build())
                .isEqualTo(second.defaultedBy(first))
                .isNotEqualTo(second.overrideWith(first));
    }

    @Test
    void withoutASeedAnswersDifferAndTheReportedOneRepeatsThem() {
        ChatResponse first = chat.chat(request(p -> p.temperature(1.5).maxOutputTokens(30)));
        long seed = ((LteChatResponseMetadata) first.metadata()).seed();
        assertThat(text(chat.chat(request(p -> p.temperature(1.5).maxOutputTokens(30)))))
                .isNotEqualTo(text(first));
        assertThat(text(chat.chat(
                        request(p -> p.temperature(1.5).maxOutputTokens(30).seed(seed)))))
                .isEqualTo(text(first));
    }

    @Test
    void stopSequencesEndTheText() {
        String whole = text(chat.chat(request(p -> {})));
        String stop = whole.substring(6, 8);
        ChatResponse response = chat.chat(request(p -> p.stopSequences(stop)));
        assertThat(text(response)).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(((LteChatResponseMetadata) response.metadata()).stopString()).isEqualTo(stop);
    }

    @Test
    void theWholeConversationIsSent() {
        ChatResponse response = chat.chat(
                SystemMessage.from("x"),
                UserMessage.from(TextContent.from("a"), TextContent.from("b")),
                AiMessage.from(ToolExecutionRequest.builder()
                        .id("c1")
                        .name("add")
                        .arguments("{}")
                        .build()),
                ToolExecutionResultMessage.from("c1", "add", "3"),
                AiMessage.from("so"),
                UserMessage.from("more"));
        int[] prompt = stories.model.tokenizer().encode("s: x\nu: ab\na: \nt: 3\na: so\nu: more\na: ", false, false);
        assertThat(response.tokenUsage().inputTokenCount()).isEqualTo(prompt.length);
    }

    @Test
    void aSchemaIsEnforcedAndThatIsDeclared() {
        assertThat(chat.supportedCapabilities()).containsExactly(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
        JsonSchema schema =
                JsonSchema.builder().name("pet").rootElement(ADD.parameters()).build();
        for (long seed = 0; seed < 5; seed++) {
            long s = seed;
            ChatResponse response = chat.chat(
                    request(p -> p.temperature(1.5).maxOutputTokens(200).seed(s).responseFormat(schema)));
            assertThat(text(response)).as("seed " + seed).matches(ARGUMENTS);
        }
    }

    @Test
    void aRequiredToolIsCalled() {
        ChatResponse response = chat.chat(
                request(p -> p.maxOutputTokens(200).toolSpecifications(ADD).toolChoice(ToolChoice.REQUIRED)));
        assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
        assertThat(text(response)).isNull();
        assertThat(response.aiMessage().toolExecutionRequests()).singleElement().satisfies(call -> {
            assertThat(call.name()).isEqualTo("add");
            assertThat(call.id()).isNotEmpty();
            assertThat(call.arguments()).matches(ARGUMENTS);
        });
        ToolSpecification other = ToolSpecification.builder().name("other").build();
        ChatResponse named = chat.chat(request(
                p -> p.maxOutputTokens(200).toolSpecifications(ADD, other).requiredTool("other")));
        assertThat(named.aiMessage().toolExecutionRequests())
                .extracting(ToolExecutionRequest::name)
                .containsExactly("other");
    }

    static Stream<Arguments> refused() {
        JsonSchema not = JsonSchema.builder()
                .name("x")
                .rootElement(JsonRawSchema.from("{\"not\":{}}"))
                .build();
        Class<?> invalid = InvalidRequestException.class;
        Class<?> cause = dev.lte.InvalidRequestException.class;
        return Stream.of(
                Arguments.of("temperature", request(p -> p.temperature(-1.0)), invalid, cause),
                Arguments.of("topK", request(p -> p.topK(-1)), invalid, cause),
                Arguments.of("minP", request(p -> p.minP(1.0)), invalid, cause),
                Arguments.of("maxTokens", request(p -> p.maxOutputTokens(0)), invalid, cause),
                Arguments.of("threshold", request(p -> p.threshold(0.5)), invalid, cause),
                Arguments.of("reasoning", request(p -> p.reasoning(true)), invalid, cause),
                Arguments.of("toolChoice", request(p -> p.toolChoice(ToolChoice.REQUIRED)), invalid, cause),
                Arguments.of("stopIds", request(p -> p.stopIds(List.of(99_999))), invalid, cause),
                Arguments.of("logitBias", request(p -> p.logitBias(Map.of(1, 101f))), invalid, cause),
                Arguments.of(
                        "context", request(p -> p.maxOutputTokens(100_000)), invalid, ContextOverflowException.class),
                Arguments.of(
                        "not",
                        request(p -> p.responseFormat(not)),
                        UnsupportedFeatureException.class,
                        UnsupportedSchemaException.class));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void whatCannotBeHonouredIsAnErrorByName(
            String name, ChatRequest request, Class<? extends Throwable> type, Class<? extends LteException> cause) {
        assertThatThrownBy(() -> chat.chat(request))
                .isInstanceOf(type)
                .hasMessageContaining(name)
                .hasCauseInstanceOf(cause);
        Recorder recorder = new Recorder();
        streaming.chat(request, recorder);
        assertThat(recorder.await()).isInstanceOf(type).hasMessageContaining(name);
        assertThat(recorder.ends).hasValue(1);
    }

    @Test
    void messagesThatHoldMoreThanTextAreErrors() {
        assertThatThrownBy(() -> chat.chat(UserMessage.from(ImageContent.from("https://example.org/cat.png"))))
                .isInstanceOf(UnsupportedFeatureException.class)
                .hasMessageContaining("image");
        assertThatThrownBy(() -> chat.chat(CustomMessage.from(Map.of("a", 1))))
                .isInstanceOf(UnsupportedFeatureException.class)
                .hasMessageContaining("custom");
    }

    @Test
    void parametersOfOtherProvidersAndOtherModelsAreErrors() {
        assertThatThrownBy(() -> chat.chat(request(p -> p.modelName("gpt-4"))))
                .isInstanceOf(UnsupportedFeatureException.class)
                .hasMessageContaining("gpt-4");
        assertThatThrownBy(() -> chat.chat(ChatRequest.builder()
                        .messages(UserMessage.from("x"))
                        .parameters(new ForeignParameters())
                        .build()))
                .isInstanceOf(UnsupportedFeatureException.class)
                .hasMessageContaining("ForeignParameters");
    }

    private static final class ForeignParameters extends DefaultChatRequestParameters {
        ForeignParameters() {
            super(builder());
        }
    }

    @Test
    void anInterruptedCallStopsTheModel() throws InterruptedException {
        stories.outcomes.clear();
        // A whole answer takes the small model a tenth of a second, so one of them may end before the interrupt; not
        // each.
        for (int i = 0; i < 20 && !stories.outcomes.contains("cancelled"); i++) {
            Thread caller = Thread.ofPlatform()
                    .start(() -> assertThatThrownBy(() -> chat.chat(
                                    request(p -> p.maxOutputTokens(450).ignoreEndOfText(true))))
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

    @Test
    void aClosedModelIsAnErrorOfLangChain4j() {
        Stories own = new Stories(Stories.TEMPLATE);
        LteChatModel model = LteChatModel.builder(own.model).build();
        own.close();
        assertThatThrownBy(() -> model.chat("x"))
                .isInstanceOf(InternalServerException.class)
                .hasCauseInstanceOf(ModelClosedException.class);
    }
}
