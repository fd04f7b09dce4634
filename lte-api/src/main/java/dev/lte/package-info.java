/**
 * The front door: load a {@link dev.lte.Model}, describe a {@link dev.lte.GenerationRequest}, subscribe to its events.
 *
 * <pre>{@code
 * try (Model model = Lte.load(Path.of("model.gguf"))) {
 *     model.generate(GenerationRequest.of(r -> r.prompt("Once upon a time").maxTokens(64)))
 *             .ofType(TextDelta.class)
 *             .doOnNext(delta -> System.out.print(delta.text()))
 *             .blockLast();
 * }
 * }</pre>
 */
@NullMarked
package dev.lte;

import org.jspecify.annotations.NullMarked;
