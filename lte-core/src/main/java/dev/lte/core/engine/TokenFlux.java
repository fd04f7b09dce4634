package dev.lte.core.engine;

import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;

/** A generation that begins anew with every subscription. */
final class TokenFlux extends Flux<GenerationEvent> {
    private final LocalModel model;
    private final GenerationRequest request;

    private TokenFlux(LocalModel model, GenerationRequest request) {
        this.model = model;
        this.request = request;
    }

    static Flux<GenerationEvent> of(LocalModel model, GenerationRequest request) {
        return onAssembly(new TokenFlux(model, request));
    }

    @Override
    public void subscribe(CoreSubscriber<? super GenerationEvent> subscriber) {
        model.start(subscriber, request);
    }
}
