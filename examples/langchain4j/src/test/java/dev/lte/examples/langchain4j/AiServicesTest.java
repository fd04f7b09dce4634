package dev.lte.examples.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.Result;
import dev.langchain4j.service.TokenStream;
import dev.langchain4j.service.UserMessage;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What applications of LangChain4j write. */
@Timeout(60)
class AiServicesTest {
    private static Stories stories;

    enum Kind {
        CAT,
        DOG
    }

    record Pet(
            @JsonProperty(required = true) Kind kind,
            @JsonProperty(required = true) boolean old) {}

    interface Writer {
        String tell(String begin);

        @UserMessage("Describe a pet: {{it}}")
        Pet describe(String what);

        Result<String> tellMore(String begin);

        TokenStream stream(String begin);
    }

    static final class Calculator {
        final List<String> calls = new CopyOnWriteArrayList<>();

        @Tool("Whether animals like each other")
        String likes(Kind who, Kind whom) {
            calls.add(who + " " + whom);
            return "They do";
        }
    }

    @BeforeAll
    static void load() {
        stories = new Stories(Stories.TEMPLATE);
    }

    @AfterAll
    static void close() {
        stories.close();
    }

    private static LteChatModel model(LteChatRequestParameters.Builder parameters) {
        return LteChatModel.builder(stories.model)
                .defaultRequestParameters(parameters.build())
                .build();
    }

    private static LteChatRequestParameters.Builder parameters() {
        return LteChatRequestParameters.builder().temperature(0.0).maxOutputTokens(200);
    }

    @Test
    void textAndMemory() {
        Writer writer = AiServices.builder(Writer.class)
                .chatModel(model(parameters().maxOutputTokens(10)))
                .chatMemory(MessageWindowChatMemory.withMaxMessages(10))
                .build();
        assertThat(writer.tell("Once upon")).isNotBlank();
        Result<String> second = writer.tellMore("and then");
        assertThat(second.tokenUsage().inputTokenCount())
                .isGreaterThan(stories.model.tokenizer().encode("u: and then\na: ").length + 10);
    }

    @Test
    void objectsAreEnforced() {
        for (long seed = 0; seed < 5; seed++) {
            Writer writer = AiServices.builder(Writer.class)
                    .chatModel(model(parameters().temperature(1.5).seed(seed)))
                    .build();
            assertThat(writer.describe("any").kind()).as("seed " + seed).isNotNull();
        }
    }

    @Test
    void aToolIsRunAndItsResultGoesBack() {
        Calculator calculator = new Calculator();
        Writer writer = AiServices.builder(Writer.class)
                .chatModel(model(parameters().toolChoice(ToolChoice.REQUIRED)))
                .tools(calculator)
                // The small model would make no call, or with a required one go on for ever.
                .chatRequestTransformer(request ->
                        request.messages().getLast() instanceof dev.langchain4j.data.message.ToolExecutionResultMessage
                                ? request.toBuilder()
                                        .parameters(LteChatRequestParameters.builder()
                                                .overrideWith(request.parameters())
                                                .toolChoice(ToolChoice.NONE)
                                                .maxOutputTokens(10)
                                                .build())
                                        .build()
                                : request)
                .build();
        assertThat(writer.tell("Do cats like dogs?")).isNotEmpty();
        assertThat(calculator.calls).singleElement().asString().matches("(CAT|DOG) (CAT|DOG)");
    }

    @Test
    void aStreamOfTokens() throws Exception {
        Writer writer = AiServices.builder(Writer.class)
                .streamingChatModel(LteStreamingChatModel.builder(stories.model)
                        .defaultRequestParameters(
                                parameters().maxOutputTokens(10).build())
                        .build())
                .build();
        CompletableFuture<String> whole = new CompletableFuture<>();
        StringBuffer text = new StringBuffer();
        writer.stream("Once upon")
                .onPartialResponse(text::append)
                .onCompleteResponse(
                        response -> whole.complete(response.aiMessage().text()))
                .onError(whole::completeExceptionally)
                .start();
        assertThat(Objects.requireNonNull(whole.get(30, TimeUnit.SECONDS))).isEqualTo(text.toString());
    }
}
