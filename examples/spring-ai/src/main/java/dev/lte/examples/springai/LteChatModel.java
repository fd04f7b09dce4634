package dev.lte.examples.springai;

import dev.lte.InvalidRequestException;
import dev.lte.Model;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatRequest;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.chat.observation.ChatModelObservationDocumentation;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * A {@link Model} as a chat model of Spring AI. Thread-safe. The model stays the caller's, who closes it.
 *
 * <p>A prompt without options uses {@link #getOptions}; {@link LteChatOptions} of a prompt stand for themselves, as in the models of
 * Spring AI (its {@code ChatClient} has merged them by then); portable options are laid over {@link #getOptions}; those of other
 * providers are refused. Tools are offered to the model, and its calls are part of the answer; {@code ChatClient} runs them. Errors
 * are {@link dev.lte.LteException}s.
 *
 * <p>Every answer is an observation as the conventions of Spring AI have it, under the one of the caller.
 */
public final class LteChatModel implements ChatModel {
    /** What observations name the provider. */
    public static final String PROVIDER = "lte";

    private static final ChatModelObservationConvention CONVENTION = new DefaultChatModelObservationConvention();

    private final Model model;
    private final LteChatOptions options;
    private final ObservationRegistry observations;
    private final ChatModelObservationConvention convention;

    private LteChatModel(Builder builder) {
        model = builder.model;
        observations = builder.observations;
        convention = builder.convention;
        options = builder.options.getModel() == null
                ? builder.options.mutate().model(model.info().name()).build()
                : builder.options;
    }

    /** @param model stays open until the caller closes it */
    public static Builder builder(Model model) {
        return new Builder(model);
    }

    /** The options of prompts that have none; their {@code model} is the name of the model unless it was set. */
    @Override
    public LteChatOptions getOptions() {
        return options;
    }

    /**
     * The whole answer. Blocks; interrupting the thread stops the model.
     *
     * @throws dev.lte.LteException if the prompt or an option cannot be honoured, or the model cannot answer
     */
    @Override
    public ChatResponse call(Prompt prompt) {
        Observed observed = new Observed(prompt, false);
        ChatResponse whole = observed.observation.observe(() -> observed.answer()
                .flatMapMany(answer -> answer.events()
                        .doOnNext(answer.responses()::collect)
                        .ofType(ChatEvent.Completed.class)
                        .map(done -> observed.completed(answer.responses().whole(done))))
                .single()
                .contextWrite(observed::into)
                .block());
        if (whole == null) {
            throw new IllegalStateException("the answer has no end");
        }
        return whole;
    }

    /**
     * The answer as it is written. Every part has what is new; the last one has tool calls, the reason why it ended, usage and what
     * {@link LteMetadata} names. Cold; paced by demand, stopped by cancellation, and delivered on the model's engine thread, as {@link
     * Model#chat} says.
     */
    @Override
    public Flux<ChatResponse> stream(Prompt prompt) {
        return Flux.deferContextual(context -> {
            Observed observed = new Observed(prompt, true);
            Observation observation = observed.observation;
            Observation parent = context.getOrDefault(ObservationThreadLocalAccessor.KEY, null);
            observation.parentObservation(parent);
            try (Observation.Scope _ = parent == null ? Observation.Scope.NOOP : parent.openScope()) {
                observation.start();
            }
            return observed.answer()
                    .flatMapMany(answer -> answer.events().<ChatResponse>handle((event, sink) -> {
                        if (event instanceof ChatEvent.Completed done) {
                            observed.completed(answer.responses().whole(done));
                        }
                        ChatResponse part = answer.responses().part(event);
                        if (part != null) {
                            sink.next(part);
                        }
                    }))
                    .doOnError(observation::error)
                    // Before the subscriber hears of the end, so that it finds the observation complete.
                    .doOnTerminate(observation::stop)
                    .doOnCancel(observation::stop)
                    .contextWrite(observed::into);
        });
    }

    private record Answer(Flux<ChatEvent> events, ChatResponses responses) {}

    /** One prompt and its observation. */
    private final class Observed {
        private final LteChatOptions how;
        private final Prompt prompt;
        private final ChatModelObservationContext context;
        private final Observation observation;

        Observed(Prompt given, boolean streaming) {
            how = resolve(given.getOptions());
            prompt = given.mutate().chatOptions(how).build();
            context = ChatModelObservationContext.builder()
                    .prompt(prompt)
                    .provider(PROVIDER)
                    .streaming(streaming)
                    .build();
            observation = ChatModelObservationDocumentation.CHAT_MODEL_OPERATION.observation(
                    convention, CONVENTION, () -> context, observations);
        }

        Context into(Context subscriber) {
            return subscriber.put(ObservationThreadLocalAccessor.KEY, observation);
        }

        Mono<Answer> answer() {
            return Mono.fromSupplier(() -> {
                ChatRequest request = ChatRequests.of(prompt.getInstructions(), how);
                ChatResponses responses = new ChatResponses(
                        model.info().name(), request.options().sampling().seed());
                return new Answer(model.chat(request), responses);
            });
        }

        ChatResponse completed(ChatResponse whole) {
            context.setResponse(whole);
            return whole;
        }
    }

    private LteChatOptions resolve(@Nullable ChatOptions given) {
        LteChatOptions resolved = switch (given) {
            case null -> options;
            case LteChatOptions own -> own;
            default -> options.mutate().combineWith(given.mutate()).build();
        };
        String name = resolved.getModel();
        if (name != null
                && !name.equals(options.getModel())
                && !name.equals(model.info().name())) {
            throw new InvalidRequestException("model", String.valueOf(options.getModel()), name);
        }
        return resolved;
    }

    /** Not thread-safe. */
    public static final class Builder {
        private final Model model;
        private LteChatOptions options = LteChatOptions.builder().build();
        private ObservationRegistry observations = ObservationRegistry.NOOP;
        private ChatModelObservationConvention convention = CONVENTION;

        private Builder(Model model) {
            this.model = model;
        }

        /** For prompts that have none; nothing is set by default. */
        public Builder options(LteChatOptions defaults) {
            options = defaults;
            return this;
        }

        /** Where answers are observed; nowhere by default. */
        public Builder observationRegistry(ObservationRegistry registry) {
            observations = registry;
            return this;
        }

        /** Names and keys of observations; Spring AI's by default. */
        public Builder observationConvention(ChatModelObservationConvention names) {
            convention = names;
            return this;
        }

        public LteChatModel build() {
            return new LteChatModel(this);
        }
    }
}
