package dev.lte.core.baseline;

import dev.lte.backend.Backend;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.eval.Likelihood;
import dev.lte.core.eval.ScoredSequence;
import dev.lte.core.eval.SequenceScorer;
import dev.lte.core.layer.Transformer;
import java.util.List;
import java.util.function.LongConsumer;

/** Runs sequences through a model whose FFNs are observed. Not thread-safe. */
final class Observation implements AutoCloseable {
    private static final int BATCH = 8;

    private final ModelSource source;
    private final Transformer observed;
    private final SequenceScorer scorer;
    private FfnVisitor visitor = activations -> {};

    /** @param transformer of the source, dense */
    Observation(ModelSource source, Backend backend, Transformer transformer, int context) {
        this.source = source;
        observed = ObservedFfn.observe(
                transformer,
                source,
                backend,
                SequenceScorer.rows(backend, context),
                activations -> visitor.visit(activations));
        scorer = new SequenceScorer(backend, observed, context, false, 0);
    }

    ModelConfig config() {
        return source.config();
    }

    ModelSource source() {
        return source;
    }

    /** The transformer, with the visitor of the last {@link #visit}. */
    Transformer transformer() {
        return observed;
    }

    /** From now on. */
    void visit(FfnVisitor by) {
        visitor = by;
    }

    /**
     * @param by visits all of it
     * @param tokens told after every few sequences, how many tokens have been run
     * @return how likely the sequences were, with what the visitor changed
     */
    Likelihood run(List<ScoredSequence> sequences, FfnVisitor by, LongConsumer tokens) {
        visit(by);
        Likelihood likelihood = new Likelihood();
        long done = 0;
        for (int from = 0; from < sequences.size(); from += BATCH) {
            List<ScoredSequence> batch = sequences.subList(from, Math.min(sequences.size(), from + BATCH));
            scorer.score(batch, likelihood);
            done += batch.stream().mapToLong(sequence -> sequence.ids().length).sum();
            tokens.accept(done);
        }
        return likelihood;
    }

    @Override
    public void close() {
        scorer.close();
    }
}
