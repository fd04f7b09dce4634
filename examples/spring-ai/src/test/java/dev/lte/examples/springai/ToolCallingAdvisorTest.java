package dev.lte.examples.springai;

import dev.lte.chat.ToolChoice;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.test.chat.client.advisor.AbstractToolCallingAdvisorIT;

/**
 * The tests that Spring AI publishes for its loop of tool calls, with a call required of the model. Those of them run that a story
 * model can pass; in the others a model must choose three cities and report their temperatures.
 */
@ExtendWith(ToolCallingAdvisorTest.WhatAStoryModelCan.class)
class ToolCallingAdvisorTest extends AbstractToolCallingAdvisorIT {
    private static Stories stories;

    @BeforeAll
    static void load() {
        stories = new Stories(Stories.TEMPLATE);
    }

    @AfterAll
    static void close() {
        stories.close();
    }

    @Override
    protected ChatModel getChatModel() {
        return LteChatModel.builder(stories.model)
                .options(LteChatOptions.builder()
                        .temperature(0.0)
                        .maxTokens(250)
                        .toolChoice(ToolChoice.required())
                        .build())
                .build();
    }

    static final class WhatAStoryModelCan implements ExecutionCondition {
        private static final Set<String> TESTS = Set.of(
                "callWithReturnDirect",
                "streamWithReturnDirect",
                "callToolCallLimitIsEnforced",
                "streamToolCallLimitIsEnforced");

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            boolean can = context.getTestMethod()
                    .map(method -> TESTS.contains(method.getName()))
                    .orElse(true);
            return can
                    ? ConditionEvaluationResult.enabled("needs a valid call only")
                    : ConditionEvaluationResult.disabled("needs a model that understands the question");
        }
    }
}
