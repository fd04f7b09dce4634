package dev.lte.core.engine;

import dev.lte.Completed;
import dev.lte.FinishReason;
import dev.lte.GenerationEvent;
import dev.lte.SparsityReport;
import dev.lte.TextDelta;
import dev.lte.Timings;
import dev.lte.TokenLogProbability;
import dev.lte.Usage;
import dev.lte.core.token.StreamingDecoder;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Events of a plain generation: one for each token, with what it adds to the text. */
final class TextEvents implements EventWriter<GenerationEvent> {
    private final @Nullable StreamingDecoder decoder;

    /** @param decoder null for models without a tokenizer, whose deltas have ids and no text */
    TextEvents(@Nullable StreamingDecoder decoder) {
        this.decoder = decoder;
    }

    @Override
    public @Nullable FinishReason token(
            int id, List<TokenLogProbability> logProbabilities, boolean last, Consumer<GenerationEvent> out) {
        String text = decoder == null ? "" : decoder.append(id);
        boolean stopped = decoder != null && decoder.stopped();
        if (stopped || last) {
            text += decoder == null ? "" : decoder.finish();
        }
        out.accept(new TextDelta(text, List.of(id), logProbabilities));
        return stopped ? FinishReason.STOP : null;
    }

    @Override
    public FinishReason end(Consumer<GenerationEvent> out) {
        String held = decoder == null ? "" : decoder.finish();
        if (!held.isEmpty()) {
            out.accept(new TextDelta(held, List.of(), List.of()));
        }
        return FinishReason.STOP;
    }

    @Override
    public int reasoningTokens() {
        return 0;
    }

    @Override
    public boolean isConstrained() {
        return true;
    }

    @Override
    public GenerationEvent completed(FinishReason reason, Usage usage, Timings timings, SparsityReport sparsity) {
        return new Completed(reason, usage, timings, sparsity);
    }
}
