package dev.lte.examples.langchain4j;

import java.util.Set;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Of the tests that LangChain4j publishes for all models, those that a story model can pass. In the others a model must know the
 * capital of Germany, understand a question about weather, or repeat what it is told; and {@code should_cancel_streaming}, which it
 * passes, waits half a minute to see that nothing comes.
 */
final class SharedTests implements ExecutionCondition {
    private static final Set<String> TESTS = Set.of(
            "should_respect_maxOutputTokens_in_chat_request",
            "should_respect_maxOutputTokens_in_default_model_parameters",
            "should_respect_common_parameters_wrapped_in_integration_specific_class_in_chat_request",
            "should_respect_common_parameters_wrapped_in_integration_specific_class_in_default_model_parameters",
            "should_fail_if_modelName_is_not_supported",
            "should_fail_if_images_as_base64_encoded_strings_are_not_supported",
            "should_fail_if_images_as_public_URLs_are_not_supported");

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return context.getTestMethod()
                        .map(method -> TESTS.contains(method.getName()))
                        .orElse(true)
                ? ConditionEvaluationResult.enabled("")
                : ConditionEvaluationResult.disabled("needs a model that understands the question");
    }
}
