package dev.lte.core.eval;

import dev.lte.InvalidRequestException;
import dev.lte.Model;
import dev.lte.backend.Backend;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.layer.Transformer;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * A loaded language model as evaluation sees it: once as what generates, once as the transformer that it runs.
 *
 * @param model generates; its engine rests while likelihoods are computed
 * @param streams generations that it runs together
 * @param backend where the transformer is
 * @param context positions of a sequence
 * @param routed whether routers choose experts
 * @param measure what counts the work of FFNs that are not the model's own; null for the model as it is
 */
public record EvaluatedModel(
        Model model,
        int streams,
        VocabularyTokenizer tokenizer,
        Backend backend,
        Transformer transformer,
        int context,
        boolean routed,
        @Nullable FfnMeasure measure) {
    ModelConfig config() {
        return transformer.config();
    }

    /** The threshold to run with: that which is asked for, or the model's own; 0 for a model without routers. */
    float threshold(OptionalDouble asked) {
        ModelConfig.Routing routing = config().routing();
        if (!routed) {
            if (asked.isPresent()) {
                throw new InvalidRequestException(
                        "threshold", "none, as the model runs without routers", asked.getAsDouble());
            }
            return 0;
        }
        return asked.isPresent() || routing == null ? (float) asked.orElseThrow() : routing.threshold();
    }

    SequenceScorer scorer(float threshold) {
        return new SequenceScorer(backend, transformer, context, routed, threshold);
    }
}
