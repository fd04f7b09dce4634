package dev.lte.examples.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionFunctionTool;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.models.Model;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** OpenAI's own Java client, as it is, against the server. */
@Timeout(180)
class OpenAiClientTest {
    private static TestServer server;
    private static OpenAIClient client;

    @BeforeAll
    static void start() {
        server = new TestServer(
                options -> options.withApiKey("secret"),
                load -> load.maxStreams(2).maxQueued(2));
        client = client("secret");
    }

    @AfterAll
    static void stop() {
        client.close();
        server.awaitIdle();
        server.close();
    }

    private static OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder()
                .apiKey(key)
                .baseUrl(server.url() + "/v1")
                .maxRetries(0)
                .build();
    }

    private static ChatCompletionCreateParams.Builder request() {
        return ChatCompletionCreateParams.builder()
                .model(TestServer.MODEL)
                .addSystemMessage("You tell stories.")
                .addUserMessage("Once upon")
                .temperature(0.0)
                .maxCompletionTokens(24);
    }

    private static String text(ChatCompletion answer) {
        return answer.choices().getFirst().message().content().orElse("");
    }

    @Test
    void chat() {
        ChatCompletion answer = client.chat().completions().create(request().build());
        assertThat(text(answer)).isNotBlank();
        assertThat(answer.choices().getFirst().finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.LENGTH);
        assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(24);
        answer.validate();
    }

    @Test
    void stream() {
        ChatCompletionAccumulator whole = ChatCompletionAccumulator.create();
        ChatCompletionCreateParams request = request()
                .streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();
        try (StreamResponse<ChatCompletionChunk> chunks =
                client.chat().completions().createStreaming(request)) {
            chunks.stream().forEach(chunk -> {
                chunk.validate();
                whole.accumulate(chunk);
            });
        }
        ChatCompletion same = client.chat().completions().create(request().build());
        assertThat(text(whole.chatCompletion())).isEqualTo(text(same));
        assertThat(whole.chatCompletion().usage().orElseThrow().completionTokens())
                .isEqualTo(24);
    }

    @Test
    void toolsAndTheirResults() {
        Map<String, Object> parameters = Map.of(
                "type",
                "object",
                "properties",
                Map.of("city", Map.of("enum", List.of("Bern", "Rom"))),
                "required",
                List.of("city"),
                "additionalProperties",
                false);
        FunctionParameters.Builder schema = FunctionParameters.builder();
        parameters.forEach((name, value) -> schema.putAdditionalProperty(name, JsonValue.from(value)));
        ChatCompletionCreateParams.Builder request = request()
                .maxCompletionTokens(150)
                .addTool(ChatCompletionFunctionTool.builder()
                        .function(FunctionDefinition.builder()
                                .name("weather")
                                .description("Weather of a city")
                                .parameters(schema.build())
                                .strict(true)
                                .build())
                        .build());
        ChatCompletion answer = client.chat()
                .completions()
                .create(request.toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED)
                        .build());
        ChatCompletionMessageFunctionToolCall call = answer.choices()
                .getFirst()
                .message()
                .toolCalls()
                .orElseThrow()
                .getFirst()
                .asFunction();
        assertThat(call.function().name()).isEqualTo("weather");
        assertThat(call.function().arguments()).containsAnyOf("Bern", "Rom");
        ChatCompletion after = client.chat()
                .completions()
                .create(request.addMessage(answer.choices().getFirst().message())
                        .addMessage(ChatCompletionToolMessageParam.builder()
                                .toolCallId(call.id())
                                .content("sunny")
                                .build())
                        .toolChoice(ChatCompletionToolChoiceOption.Auto.NONE)
                        .maxCompletionTokens(8)
                        .build());
        assertThat(after.choices().getFirst().message().toolCalls().orElse(List.of()))
                .isEmpty();
    }

    /** The client makes the schema from this. */
    public static class Pet {
        public boolean tame;
        public Kind kind = Kind.CAT;

        /** What there is. */
        public enum Kind {
            CAT,
            DOG
        }
    }

    @Test
    void jsonSchemaFromAClass() {
        Pet pet = client.chat()
                .completions()
                .create(request()
                        .maxCompletionTokens(300)
                        .responseFormat(Pet.class)
                        .build())
                .choices()
                .getFirst()
                .message()
                .content()
                .orElseThrow();
        assertThat(pet.kind).isNotNull();
    }

    @Test
    void cancel() {
        long before = server.model.activeStreams();
        try (StreamResponse<ChatCompletionChunk> chunks = client.chat()
                .completions()
                .createStreaming(request().maxCompletionTokens(400).build())) {
            Iterator<ChatCompletionChunk> first = chunks.stream().iterator();
            assertThat(first.next().choices()).isNotEmpty();
        }
        server.awaitIdle();
        assertThat(before).isZero();
    }

    @Test
    void completionsModelsAndWhatThereIsNot() {
        assertThat(client.completions()
                        .create(CompletionCreateParams.builder()
                                .model(TestServer.MODEL)
                                .prompt("Once upon a time")
                                .maxTokens(5)
                                .build())
                        .choices()
                        .getFirst()
                        .text())
                .isNotEmpty();
        assertThat(client.models().list().data()).extracting(Model::id).containsExactly(TestServer.MODEL);
        assertThat(client.models().retrieve(TestServer.MODEL).ownedBy()).isEqualTo("lte");
        assertThatThrownBy(() -> client.embeddings()
                        .create(EmbeddingCreateParams.builder()
                                .model(TestServer.MODEL)
                                .input("x")
                                .build()))
                .isInstanceOf(BadRequestException.class);
    }

    @Test
    void errorsHaveTheClientsTypes() {
        assertThatThrownBy(() -> client.chat()
                        .completions()
                        .create(request().temperature(-1.0).build()))
                .isInstanceOfSatisfying(
                        BadRequestException.class, e -> assertThat(e.param()).contains("temperature"));
        assertThatThrownBy(() -> client.chat()
                        .completions()
                        .create(request().maxCompletionTokens(99_999).build()))
                .isInstanceOfSatisfying(
                        BadRequestException.class, e -> assertThat(e.code()).contains("context_length_exceeded"));
        assertThatThrownBy(() -> client.chat()
                        .completions()
                        .create(request().model("gpt-4").build()))
                .isInstanceOfSatisfying(
                        NotFoundException.class, e -> assertThat(e.code()).contains("model_not_found"));
        OpenAIClient stranger = client("wrong");
        assertThatThrownBy(() -> stranger.chat().completions().create(request().build()))
                .isInstanceOf(UnauthorizedException.class);
        stranger.close();
    }

    @Test
    void tooManyAtOnceAreRefused() throws InterruptedException {
        int refused = 0;
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<ChatCompletion>> answers = IntStream.range(0, 10)
                    .mapToObj(i -> clients.submit(() -> client.chat()
                            .completions()
                            .create(request().maxCompletionTokens(100).build())))
                    .toList();
            for (Future<ChatCompletion> answer : answers) {
                try {
                    answer.get();
                } catch (ExecutionException e) {
                    assertThat(e.getCause()).isInstanceOf(RateLimitException.class);
                    refused++;
                }
            }
        }
        assertThat(refused).isBetween(1, 8);
    }
}
