package dev.lte.core.conversation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.Tool;
import dev.lte.chat.ToolCall;
import dev.lte.chat.ToolChoice;
import dev.lte.core.conversation.ReplyFormat.ToolCalls;
import dev.lte.core.token.TokenizerLoader;
import dev.lte.core.token.VocabularyTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptWriterTest {
    private static final String PLAIN =
            "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";

    private static Path resource(String name) {
        try {
            return Path.of(
                    PromptWriterTest.class.getResource("/dev/lte/core/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static VocabularyTokenizer vocabulary() {
        return TokenizerLoader.fromLlama2c(resource("stories260K/tok512.bin"), 512);
    }

    private static String template(String file) {
        try {
            return Files.readString(resource("chat/jinja/" + file + ".jinja"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static PromptWriter writer(String template) {
        return new PromptWriter(template, vocabulary());
    }

    private static String text(PromptWriter writer, ChatRequest request) {
        return vocabulary().decode(writer.write(request).ids());
    }

    @ParameterizedTest
    @CsvSource({
        "Qwen-Qwen3-0.6B, HERMES, <think>, true",
        "Qwen-Qwen2.5-7B-Instruct, HERMES, , false",
        "Qwen-QwQ-32B, HERMES, <think>, true",
        "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use, HERMES, , false",
        "meta-llama-Llama-3.1-8B-Instruct, LLAMA, , false",
        "meta-llama-Llama-3.2-3B-Instruct, LLAMA, , false",
        "mistralai-Mistral-Nemo-Instruct-2407, MISTRAL, , false",
        "deepseek-ai-DeepSeek-R1-Distill-Llama-8B, NONE, <think>, false",
        "google-gemma-2-2b-it, NONE, , false",
        "microsoft-Phi-3.5-mini-instruct, NONE, , false",
    })
    void formatsAreReadOffTemplates(String file, ToolCalls calls, String open, boolean hasSwitch) {
        ReplyFormat format = ReplyFormat.of(template(file));
        assertThat(format.toolCalls()).isEqualTo(calls);
        assertThat(format.reasoning() == null ? null : format.reasoning().open())
                .isEqualTo(open);
        assertThat(format.hasReasoningSwitch()).isEqualTo(hasSwitch);
    }

    @Test
    void messagesBecomeAPromptThatOpensTheReply() {
        int[] ids = writer(PLAIN)
                .write(ChatRequest.of(c -> c.system("be brief").user("hi")))
                .ids();
        assertThat(ids[0]).isEqualTo(1);
        assertThat(ids).contains(2);
        assertThat(text(writer(PLAIN), ChatRequest.of(c -> c.system("be brief").user("hi"))))
                .isEqualTo("system: be brief user: hi assistant:");
    }

    @Test
    void controlTokensInMessagesAreText() {
        PromptWriter writer = writer(PLAIN);
        ChatRequest request = ChatRequest.of(c -> c.user("a</s><s>b"));
        int[] ids = writer.write(request).ids();
        // Those of the template: one at the begin, one behind the message.
        assertThat(Arrays.stream(ids).filter(id -> id == 1)).hasSize(1);
        assertThat(Arrays.stream(ids).filter(id -> id == 2)).hasSize(1);
        assertThat(text(writer, request).replace(" ", "")).isEqualTo("user:a</s><s>bassistant:");
    }

    @Test
    void theTokenBehindARepliesEndsTurns() {
        assertThat(writer(PLAIN).endOfTurnIds()).containsExactly(2);
        assertThat(writer("{{ messages[0].content }}").endOfTurnIds()).isEmpty();
    }

    @Test
    void aPromptThatOpensReasoningSaysSo() {
        PromptWriter writer = writer(
                "{% for m in messages %}{{ m.content.split('</think>')[-1] }}{% endfor %}{% if add_generation_prompt %}<think>\n{% endif %}");
        assertThat(writer.write(ChatRequest.of(c -> c.user("hi"))).endsInReasoning())
                .isTrue();
        assertThat(writer(template("Qwen-Qwen3-0.6B"))
                        .write(ChatRequest.of(c -> c.user("hi").reasoning(false)))
                        .endsInReasoning())
                .isFalse();
    }

    @Test
    void toolsCallsAndResultsGoThroughTheTemplate() {
        ToolCall call = new ToolCall("abcdefghi", "weather", "{\"city\": \"Rome\"}");
        ChatRequest request = ChatRequest.of(c -> c.user("Weather?")
                .message(new ChatMessage.Assistant("", "must ask", List.of(call)))
                .message(ChatMessage.toolResult(call, "sunny"))
                .tool(new Tool(
                        "weather", "Tells.", "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}")));
        String prompt = text(writer(template("Qwen-Qwen3-0.6B")), request);
        assertThat(prompt)
                .contains(
                        "{\"type\": \"function\", \"function\": {\"name\": \"weather\", \"description\": \"Tells.\", \"parameters\": {\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}}}}")
                .contains("<think>\nmust ask\n</think>")
                .contains("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>")
                .contains("<tool_response>\nsunny\n</tool_response>");
        assertThat(text(writer(template("mistralai-Mistral-Nemo-Instruct-2407")), request))
                .contains(
                        "[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}, \"id\": \"abcdefghi\"}]");
    }

    @Test
    void toolsThatMayNotBeCalledAreNotShown() {
        ChatRequest request = ChatRequest.of(c ->
                c.user("hi").tool(new Tool("weather", "", Tool.NO_PARAMETERS)).toolChoice(ToolChoice.none()));
        assertThat(text(writer(template("Qwen-Qwen3-0.6B")), request)).doesNotContain("weather");
        writer(template("google-gemma-2-2b-it")).write(request);
    }

    @Test
    void whatATemplateCannotDoIsRefused() {
        PromptWriter gemma = writer(template("google-gemma-2-2b-it"));
        assertThatThrownBy(() -> gemma.write(
                        ChatRequest.of(c -> c.user("hi").tool(new Tool("weather", "", Tool.NO_PARAMETERS)))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("tools");
        assertThatThrownBy(() -> gemma.write(ChatRequest.of(c -> c.user("hi").reasoning(true))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("reasoning");
        assertThatThrownBy(() -> gemma.write(ChatRequest.of(c -> c.system("s").user("hi"))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("System role not supported");
        assertThatThrownBy(() -> gemma.write(ChatRequest.of(c -> {})))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("messages");
        PromptWriter qwen = writer(template("Qwen-Qwen3-0.6B"));
        assertThatThrownBy(() -> qwen.write(ChatRequest.of(c -> c.user("hi").tool(new Tool("weather", "", "[1")))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("JSON schema");
    }
}
