package dev.lte.examples.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import dev.lte.ResponseFormat;
import dev.lte.chat.ToolChoice;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import org.springframework.ai.test.options.AbstractChatOptionsTests;

/** What Spring AI asks of all options, and what these have beyond. */
class LteChatOptionsTest extends AbstractChatOptionsTests<LteChatOptions, LteChatOptions.Builder> {
    @Override
    protected Class<LteChatOptions> getConcreteOptionsClass() {
        return LteChatOptions.class;
    }

    @Override
    protected LteChatOptions.Builder readyToBuildBuilder() {
        return LteChatOptions.builder()
                .model("m")
                .temperature(0.1)
                .topK(2)
                .topP(0.3)
                .maxTokens(4)
                .frequencyPenalty(0.5)
                .presencePenalty(0.6)
                .stopSequences(List.of("x"))
                .toolContext("user", "ann")
                .seed(7L)
                .minP(0.08)
                .typicalP(0.9)
                .repetitionPenalty(1.1)
                .threshold(0.4)
                .stopIds(List.of(5))
                .logitBias(Map.of(6, 1f))
                .logProbabilities(3)
                .ignoreEndOfText(true)
                .responseFormat(ResponseFormat.jsonObject())
                .reasoning(false)
                .toolChoice(ToolChoice.none());
    }

    @Test
    void whatTheOtherHasReplacesAndTheRestStays() {
        LteChatOptions merged = readyToBuildBuilder()
                .combineWith(LteChatOptions.builder().temperature(0.2).seed(8L).outputSchema("{}"))
                .build();
        assertThat(merged)
                .isEqualTo(readyToBuildBuilder()
                        .temperature(0.2)
                        .seed(8L)
                        .outputSchema("{}")
                        .build())
                .isNotEqualTo(readyToBuildBuilder().build());
        assertThat(merged.getOutputSchema()).isEqualTo("{}");
        assertThat(readyToBuildBuilder().build().getOutputSchema()).isNull();
    }

    @Test
    void portableOptionsAreTaken() {
        assertThat(LteChatOptions.builder()
                        .seed(1L)
                        .combineWith(ChatOptions.builder().topK(3))
                        .combineWith(ToolCallingChatOptions.builder().toolContext("a", "b"))
                        .combineWith(StructuredOutputChatOptions.builder().outputSchema("{}"))
                        .build())
                .isEqualTo(LteChatOptions.builder()
                        .seed(1L)
                        .topK(3)
                        .toolContext("a", "b")
                        .outputSchema("{}")
                        .build());
    }

    @Test
    void thoseOfOtherProvidersAreRefusedAsTheyWouldBeLost() {
        assertThatThrownBy(() -> LteChatOptions.builder().combineWith(new ForeignOptions.Builder()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("ForeignOptions");
    }

    @Test
    void aCloneIsABuilderOfItsOwn() {
        LteChatOptions.Builder builder = readyToBuildBuilder();
        LteChatOptions.Builder copy = builder.clone().seed(9L);
        assertThat(builder.build()).isEqualTo(readyToBuildBuilder().build());
        assertThat(copy.build().getSeed()).isEqualTo(9L);
    }
}
