package dev.lte.examples.langchain4j;

import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.lte.LteException;
import dev.lte.Model;
import dev.lte.TokenLogProbability;
import dev.lte.chat.ChatEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import reactor.core.publisher.Flux;

/** What both kinds of chat models have in common. */
final class Answers {
    /** JSON schemas are enforced, which is why it may be declared. */
    static final Set<Capability> CAPABILITIES = Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);

    final LteChatRequestParameters defaults;
    final List<ChatModelListener> listeners;
    private final Model model;
    private final String name;

    Answers(Model model, ChatRequestParameters given, List<ChatModelListener> listeners) {
        this.model = model;
        this.listeners = List.copyOf(listeners);
        LteChatRequestParameters parameters = LteChatRequestParameters.of(given);
        name = model.info().name();
        requireOwn(parameters);
        defaults = LteChatRequestParameters.builder()
                .overrideWith(parameters)
                .modelName(name)
                .build();
    }

    private void requireOwn(LteChatRequestParameters parameters) {
        String asked = parameters.modelName();
        if (asked != null && !asked.equals(name)) {
            throw new UnsupportedFeatureException("modelName " + asked + " is not supported, this is " + name
                    + "; leave it out, or make a chat model of the other model");
        }
    }

    Answer begin() {
        return new Answer();
    }

    /** One answer in the making. */
    final class Answer {
        private final List<TokenLogProbability> logProbabilities = new ArrayList<>();
        private long seed;

        /**
         * Cold; a request that the model cannot honour is its error.
         *
         * @throws UnsupportedFeatureException if the request has no counterpart in LTE, at once as with other models of LangChain4j
         */
        Flux<ChatEvent> events(ChatRequest request) {
            LteChatRequestParameters parameters = LteChatRequestParameters.of(request.parameters());
            requireOwn(parameters);
            try {
                dev.lte.chat.ChatRequest chat = Requests.of(request.messages(), parameters);
                seed = chat.options().sampling().seed();
                return model.chat(chat);
            } catch (LteException e) {
                return Flux.error(e);
            }
        }

        void collect(ChatEvent event) {
            if (event instanceof ChatEvent.Delta delta) {
                logProbabilities.addAll(delta.logProbabilities());
            }
        }

        ChatResponse response(ChatEvent.Completed done) {
            return Responses.of(name, done, seed, logProbabilities);
        }
    }
}
