package dev.lte.examples.langchain4j;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.lte.Model;
import dev.lte.chat.ChatEvent;
import java.util.List;
import java.util.Set;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** A {@link Model} as a streaming chat model of LangChain4j; else as {@link LteChatModel}. */
public final class LteStreamingChatModel implements StreamingChatModel {
    private final Answers answers;

    private LteStreamingChatModel(Answers answers) {
        this.answers = answers;
    }

    /** @param model stays open until the caller closes it */
    public static Builder builder(Model model) {
        return new Builder(model);
    }

    /**
     * Returns at once. The handler is called on a virtual thread of the answer and may block, as one does that runs tools: the model
     * then waits with it, and others go on. Its handles stop the model; nothing is called after that.
     *
     * @throws dev.langchain4j.exception.UnsupportedFeatureException if the request has no counterpart in LTE; nothing is called then
     */
    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        Answers.Answer answer = answers.begin();
        Flux<ChatEvent> events = answer.events(request).onErrorMap(Responses::error);
        Scheduler thread =
                Schedulers.newSingle(Thread.ofVirtual().name("lte-handler").factory());
        events.publishOn(thread, 1)
                .doFinally(signal -> thread.disposeGracefully().subscribe())
                .subscribe(new StreamingAnswer(handler, answer));
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
        public LteStreamingChatModel build() {
            return new LteStreamingChatModel(new Answers(model, defaults, listeners));
        }
    }
}
