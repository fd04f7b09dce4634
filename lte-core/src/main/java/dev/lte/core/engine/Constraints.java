package dev.lte.core.engine;

import com.google.common.base.Suppliers;
import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import dev.lte.GenerationOptions;
import dev.lte.InvalidRequestException;
import dev.lte.ResponseFormat;
import dev.lte.UnsupportedModelException;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.Tool;
import dev.lte.chat.ToolChoice;
import dev.lte.core.conversation.ReplyFormat;
import dev.lte.core.schema.ConstraintCompiler;
import dev.lte.core.schema.ConstraintGrammar;
import dev.lte.core.schema.TaggedSchema;
import dev.lte.core.schema.TokenConstraint;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes the constraints that requests ask for: response formats, and tool calls where one must be made or tools are strict. The grammars of the
 * last requests are kept. Thread-safe.
 */
final class Constraints {
    private static final int KEPT = 32;
    private static final String ANY_OBJECT = "{\"type\":\"object\"}";

    private final Supplier<ConstraintCompiler> compiler;
    private final Cache<Key, ConstraintGrammar> grammars =
            CacheBuilder.newBuilder().maximumSize(KEPT).build();

    /** @param trigger what begins a value in free text; null if there is no free text */
    private record Key(@Nullable String trigger, List<TaggedSchema> values) {}

    /** @param tokenizer null if the model has none; then every constraint is refused */
    Constraints(@Nullable VocabularyTokenizer tokenizer) {
        compiler = Suppliers.memoize(() -> {
            if (tokenizer == null) {
                throw new UnsupportedModelException(
                        "a response format needs a tokenizer, which the model lacks", "ask for text");
            }
            return new ConstraintCompiler(tokenizer);
        });
    }

    /**
     * For a plain generation; null if its text may be anything.
     *
     * @throws dev.lte.UnsupportedSchemaException if a schema cannot be enforced
     */
    @Nullable
    TokenConstraint of(GenerationOptions options) {
        List<TaggedSchema> values = values(options.responseFormat());
        return values.isEmpty() ? null : oneOf(values);
    }

    /** For a chat; null if its reply may be anything. Where tools may be called, a call is allowed in place of the format. */
    @Nullable
    TokenConstraint of(ChatRequest request, ReplyFormat format) {
        List<TaggedSchema> values = new ArrayList<>(values(request.options().responseFormat()));
        switch (request.toolChoice()) {
            case ToolChoice.None none -> {}
            case ToolChoice.Auto auto -> {
                if (!values.isEmpty()) {
                    request.tools().forEach(tool -> values.add(call(tool, format)));
                } else if (request.tools().stream().anyMatch(Tool::strict)) {
                    return textWithCalls(request.tools(), format);
                }
            }
            case ToolChoice.Required required -> {
                values.clear();
                request.tools().forEach(tool -> values.add(call(tool, format)));
            }
            case ToolChoice.Function function -> {
                values.clear();
                request.tools().stream()
                        .filter(tool -> tool.name().equals(function.name()))
                        .forEach(tool -> values.add(call(tool, format)));
            }
        }
        return values.isEmpty() ? null : oneOf(values);
    }

    /** Free text; but once a call has begun, it is one of a tool, with arguments that the schema of a strict one accepts. */
    private TokenConstraint textWithCalls(List<Tool> tools, ReplyFormat format) {
        String trigger = format.callMark();
        if (trigger == null) {
            throw new InvalidRequestException(
                    "tools",
                    "no strict tool with the tool choice auto, as the template writes calls without a mark that tells them from"
                            + " text; require a call, or take arguments as they come",
                    "a strict one");
        }
        List<TaggedSchema> calls = tools.stream()
                .map(tool -> tool.strict() ? tool : new Tool(tool.name(), tool.description(), ANY_OBJECT))
                .map(tool -> call(tool, format))
                .toList();
        return constraint(new Key(trigger, calls));
    }

    private static List<TaggedSchema> values(ResponseFormat format) {
        return switch (format) {
            case ResponseFormat.Text text -> List.of();
            case ResponseFormat.JsonObject object -> List.of(new TaggedSchema("", ANY_OBJECT, ""));
            case ResponseFormat.JsonSchema schema -> List.of(new TaggedSchema("", schema.schema(), ""));
        };
    }

    /** What a call of a tool looks like, by the family of the template. */
    private static TaggedSchema call(Tool tool, ReplyFormat format) {
        String named = "{\"name\": \"" + tool.name() + "\", \"";
        return switch (format.toolCalls()) {
            case HERMES ->
                new TaggedSchema(
                        ReplyFormat.TOOL_CALL + "\n" + named + "arguments\": ",
                        tool.parameters(),
                        "}\n" + ReplyFormat.TOOL_CALL_END);
            case LLAMA -> new TaggedSchema(named + "parameters\": ", tool.parameters(), "}");
            case MISTRAL ->
                new TaggedSchema(ReplyFormat.TOOL_CALLS + "[" + named + "arguments\": ", tool.parameters(), "}]");
            case MISTRAL_ARGS ->
                new TaggedSchema(ReplyFormat.TOOL_CALLS + tool.name() + ReplyFormat.ARGS, tool.parameters(), "");
            case NONE ->
                throw new IllegalStateException("expected a template with tool calls, which was checked before");
        };
    }

    private TokenConstraint oneOf(List<TaggedSchema> values) {
        return constraint(new Key(null, List.copyOf(values)));
    }

    private TokenConstraint constraint(Key key) {
        return grammars.asMap().computeIfAbsent(key, this::compile).newConstraint();
    }

    private ConstraintGrammar compile(Key key) {
        List<TaggedSchema> values = key.values();
        String trigger = key.trigger();
        if (trigger != null) {
            return compiler.get().textUntil(trigger, values, true);
        }
        TaggedSchema first = values.getFirst();
        boolean bare =
                values.size() == 1 && first.begin().isEmpty() && first.end().isEmpty();
        return bare ? compiler.get().jsonSchema(first.schema()) : compiler.get().oneOf(values, false);
    }
}
