package dev.lte.core.engine;

import dev.lte.core.schema.TokenConstraint;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A generation whose request has been checked and whose prompt is encoded.
 *
 * @param prompt ids, at least one
 * @param threshold tau; unused by models that run dense
 * @param realm whose pages it may share
 * @param maxTokens most tokens to generate, so that they fit the context behind the prompt
 * @param endIds tokens that end it, in addition to those of the vocabulary
 * @param constraint what tokens may come, or null for any
 * @param <E> its events
 */
record Generation<E>(
        int[] prompt,
        float threshold,
        long realm,
        int maxTokens,
        List<Integer> endIds,
        EventWriter<E> writer,
        @Nullable TokenConstraint constraint) {
    /** Checks a request and encodes its prompt; throws what the stream shall end with. */
    @FunctionalInterface
    interface Preparation<E> {
        Generation<E> prepare();
    }
}
