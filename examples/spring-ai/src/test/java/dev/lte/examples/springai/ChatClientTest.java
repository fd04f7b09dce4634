package dev.lte.examples.springai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.chat.ToolChoice;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.client.ChatClientRequest;
import org.springframework.ai.chat.client.advisor.MessageChatMemoryAdvisor;
import org.springframework.ai.chat.client.advisor.ToolCallingAdvisor;
import org.springframework.ai.chat.client.advisor.api.CallAdvisorChain;
import org.springframework.ai.chat.client.advisor.api.StreamAdvisorChain;
import org.springframework.ai.chat.memory.ChatMemory;
import org.springframework.ai.chat.memory.MessageWindowChatMemory;
import org.springframework.ai.chat.messages.MessageType;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.model.tool.ToolCallingManager;
import org.springframework.ai.model.tool.ToolExecutionEligibilityChecker;
import org.springframework.ai.tool.annotation.Tool;

/** Spring AI's client over the model: what applications use. */
@Timeout(60)
class ChatClientTest {
    private static Stories stories;
    private static ChatClient client;
    private final Calculator calculator = new Calculator();

    enum Kind {
        CAT,
        DOG
    }

    record Owner(Kind likes, long pets) {}

    record Pet(Kind kind, boolean old, Owner owner) {}

    static final class Calculator {
        final List<String> calls = new CopyOnWriteArrayList<>();

        @Tool(description = "Whether animals like each other")
        String likes(Kind who, Kind whom) {
            calls.add(who + " " + whom);
            return "They do";
        }
    }

    @BeforeAll
    static void load() {
        stories = new Stories(Stories.TEMPLATE);
        client = ChatClient.create(LteChatModel.builder(stories.model)
                .options(LteChatOptions.builder().temperature(0.0).maxTokens(60).build())
                .build());
    }

    @AfterAll
    static void close() {
        stories.close();
    }

    @BeforeEach
    void forget() {
        stories.outcomes.clear();
    }

    @Test
    void callAndStreamAnswerAlike() {
        String content = client.prompt("Once upon").call().content();
        assertThat(content).isNotBlank();
        assertThat(client.prompt("Once upon").stream()
                        .content()
                        .collect(Collectors.joining())
                        .block(Stories.SOON))
                .isEqualTo(content);
    }

    @Test
    void optionsOfAPromptAreMergedIntoThoseOfTheModel() {
        ChatResponse response = Objects.requireNonNull(client.prompt("Once upon")
                .options(LteChatOptions.builder().maxTokens(7).seed(5L))
                .call()
                .chatResponse());
        assertThat(response.getMetadata().getUsage().getCompletionTokens()).isEqualTo(7);
        assertThat(Objects.requireNonNull(response.getResult()).getMetadata().<Long>get(LteMetadata.SEED))
                .isEqualTo(5L);
        String greedy = Objects.requireNonNull(client.prompt("Once upon").call().content());
        assertThat(greedy)
                .as("the temperature of the model's own options")
                .startsWith(
                        Objects.requireNonNull(response.getResult().getOutput().getText()));
    }

    @Test
    void entitiesAreEnforced() {
        for (long seed = 0; seed < 5; seed++) {
            Pet pet = client.prompt("Describe a pet")
                    .options(
                            LteChatOptions.builder().seed(seed).temperature(1.5).maxTokens(250))
                    .call()
                    .entity(
                            Pet.class,
                            entity -> entity.useProviderStructuredOutput().validateSchema());
            assertThat(pet).as("seed " + seed).isNotNull();
            assertThat(Objects.requireNonNull(pet).owner().likes()).isNotNull();
        }
    }

    @Test
    void memorySendsTheConversationBack() {
        ChatClient remembering = client.mutate()
                .defaultAdvisors(MessageChatMemoryAdvisor.builder(
                                MessageWindowChatMemory.builder().build())
                        .build())
                .build();
        int first = promptTokens(remembering);
        assertThat(promptTokens(remembering)).isGreaterThan(first + 10);
    }

    private static int promptTokens(ChatClient remembering) {
        return Objects.requireNonNull(remembering
                        .prompt("Once")
                        .options(LteChatOptions.builder().maxTokens(12))
                        .advisors(advisor -> advisor.param(ChatMemory.CONVERSATION_ID, "one"))
                        .call()
                        .chatResponse())
                .getMetadata()
                .getUsage()
                .getPromptTokens();
    }

    @Test
    void aToolIsCalledAndItsResultGoesBackInACall() {
        ChatResponse response = Objects.requireNonNull(client.prompt("Do cats like dogs?")
                .options(LteChatOptions.builder().maxTokens(200).toolChoice(ToolChoice.required()))
                .tools(calculator)
                .advisors(new RequiredOnce())
                .call()
                .chatResponse());
        assertThat(calculator.calls).hasSize(1);
        assertThat(calculator.calls.getFirst()).matches("(CAT|DOG) (CAT|DOG)");
        assertThat(Objects.requireNonNull(response.getResult()).getOutput().getText())
                .isNotEmpty();
        assertThat(stories.outcomes).first().isEqualTo("TOOL_CALLS");
        assertThat(stories.outcomes).hasSize(2);
    }

    @Test
    void aToolIsCalledAndItsResultGoesBackInAStream() {
        String text = client
                .prompt("Do cats like dogs?")
                .options(LteChatOptions.builder().maxTokens(200).toolChoice(ToolChoice.required()))
                .tools(calculator)
                .advisors(new RequiredOnce())
                .stream()
                .content()
                .collect(Collectors.joining())
                .block(Stories.SOON);
        assertThat(calculator.calls).hasSize(1);
        assertThat(text).isNotEmpty();
        assertThat(stories.outcomes).first().isEqualTo("TOOL_CALLS");
        assertThat(stories.outcomes).hasSize(2);
    }

    @Test
    void cancellingTheClientsStreamStopsTheModel() throws InterruptedException {
        client
                .prompt("Once upon")
                .options(LteChatOptions.builder().maxTokens(400).ignoreEndOfText(true))
                .stream()
                .content()
                .take(3)
                .blockLast(Stories.SOON);
        assertThat(stories.lastOutcome()).isEqualTo("cancelled");
    }

    /** The loop of Spring AI, with a call required until one was made: the small model would make none, or go on for ever. */
    private static final class RequiredOnce extends ToolCallingAdvisor {
        RequiredOnce() {
            super(
                    ToolCallingManager.builder().build(),
                    (ToolExecutionEligibilityChecker) response -> response != null && response.hasToolCalls(),
                    DEFAULT_ORDER,
                    true);
        }

        @Override
        protected ChatClientRequest doBeforeCall(ChatClientRequest request, CallAdvisorChain chain) {
            return once(request);
        }

        @Override
        protected ChatClientRequest doBeforeStream(ChatClientRequest request, StreamAdvisorChain chain) {
            return once(request);
        }

        private static ChatClientRequest once(ChatClientRequest request) {
            boolean called = request.prompt().getInstructions().getLast().getMessageType() == MessageType.TOOL;
            LteChatOptions options =
                    (LteChatOptions) Objects.requireNonNull(request.prompt().getOptions());
            return !called
                    ? request
                    : request.mutate()
                            .prompt(request.prompt()
                                    .mutate()
                                    .chatOptions(options.mutate()
                                            .toolChoice(ToolChoice.none())
                                            .build())
                                    .build())
                            .build();
        }
    }
}
