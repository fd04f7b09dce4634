package dev.lte.core.engine;

import dev.lte.FinishReason;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.TokenLogProbability;
import dev.lte.Usage;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Turns the tokens of one generation into events. Confined to the engine's thread, once its stream has been handed over.
 *
 * @param <E> the events
 */
interface EventWriter<E> {
    /**
     * A token was generated.
     *
     * @param logProbabilities of this token, or empty
     * @param last whether no other can follow, because as many as were asked for have come
     * @return why the generation ends with this token, or null if it need not
     */
    @Nullable
    FinishReason token(int id, List<TokenLogProbability> logProbabilities, boolean last, Consumer<E> out);

    /** The generation ended by a token that is no part of it; what was held back is told. */
    FinishReason end(Consumer<E> out);

    /** How many of the tokens so far were reasoning. */
    int reasoningTokens();

    /** Whether the next token must be one that the response format allows. */
    boolean isConstrained();

    E completed(FinishReason reason, Usage usage, Timings timings, SparsityReport sparsity);
}
