package dev.lte.core.engine;

import dev.lte.GenerationOptions;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;

/** A generation that begins anew with every subscription. */
final class TokenFlux<E> extends Flux<E> {
    private final LocalModel model;
    private final String operation;
    private final GenerationOptions options;
    private final Generation.Preparation<E> preparation;

    private TokenFlux(
            LocalModel model, String operation, GenerationOptions options, Generation.Preparation<E> preparation) {
        this.model = model;
        this.operation = operation;
        this.options = options;
        this.preparation = preparation;
    }

    /** @param operation for listeners */
    static <E> Flux<E> of(
            LocalModel model, String operation, GenerationOptions options, Generation.Preparation<E> preparation) {
        return onAssembly(new TokenFlux<>(model, operation, options, preparation));
    }

    @Override
    public void subscribe(CoreSubscriber<? super E> subscriber) {
        model.start(subscriber, operation, options, preparation);
    }
}
