package dev.lte.examples.langchain4j;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.lte.Model;
import dev.lte.chat.ChatEvent;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * A {@link Model} as a chat model of LangChain4j. Thread-safe. The model stays the caller's, who closes it.
 *
 * <p>Parameters of {@link LteChatRequestParameters} work or are refused; those of other providers are refused. Response formats and
 * required tool calls are enforced token by token. Errors are the exceptions of LangChain4j, with the {@link dev.lte.LteException} as
 * the cause.
 */
public final class LteChatModel implements ChatModel {
    private final Answers answers;

    private LteChatModel(Answers answers) {
        this.answers = answers;
    }

    /** @param model stays open until the caller closes it */
    public static Builder builder(Model model) {
        return new Builder(model);
    }

    /** Blocks; interrupting the thread stops the model. */
    @Override
    public ChatResponse doChat(ChatRequest request) {
        Answers.Answer answer = answers.begin();
        return Objects.requireNonNull(answer.events(request)
                .doOnNext(answer::collect)
                .ofType(ChatEvent.Completed.class)
                .map(answer::response)
                .single()
                .onErrorMap(Responses::error)
                .block());
    }

    @Override
    public ChatRequestParameters defaultRequestParameters() {
        return answers.defaults;
    }

    @Override
    public List<ChatModelListener> listeners() {
        return answers.listeners;
    }

    /** JSON schemas, which are enforced. */
    @Override
    public Set<Capability> supportedCapabilities() {
        return Answers.CAPABILITIES;
    }

    /** Not thread-safe. */
    public static final class Builder {
        private final Model model;
        private ChatRequestParameters defaults =
                LteChatRequestParameters.builder().build();
        private List<ChatModelListener> listeners = List.of();

        private Builder(Model model) {
            this.model = model;
        }

        /** What requests do not set; nothing by default. */
        public Builder defaultRequestParameters(ChatRequestParameters parameters) {
            defaults = parameters;
            return this;
        }

        /** Who hears of requests, responses and errors; nobody by default. */
        public Builder listeners(List<ChatModelListener> hear) {
            listeners = hear;
            return this;
        }

        /** @throws dev.langchain4j.exception.UnsupportedFeatureException if the parameters name another model */
        public LteChatModel build() {
            return new LteChatModel(new Answers(model, defaults, listeners));
        }
    }
}
