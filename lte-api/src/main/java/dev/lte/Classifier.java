package dev.lte;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model that sorts texts into classes (RoBERTa with a sequence classification head). Thread-safe; made by {@link
 * Lte#loadClassifier}. Work runs on the callers' threads, one batch at a time. Hold it as long as it is needed and close it.
 */
public interface Classifier extends AutoCloseable {
    ModelInfo info();

    Tokenizer tokenizer();

    /** The classes, in the order of probabilities and logits; numbers as text if the model does not name them. */
    List<String> labels();

    /**
     * Classifies texts, batched as the backend likes. Blocks.
     *
     * @param threshold tau, 0 to 1, or null for the model's own; a model without routers refuses it
     * @return one for each text, in their order; each is computed as if it were alone
     * @throws ContextOverflowException if a text has more tokens than the model has positions
     * @throws ModelClosedException if it was closed
     */
    List<Classification> classify(List<String> texts, @Nullable Double threshold);

    /** {@code classify(texts, null)}. */
    default List<Classification> classify(List<String> texts) {
        return classify(texts, null);
    }

    /** As {@link #classify(List, Double)}, for models that judge how two texts relate. */
    List<Classification> classifyPairs(List<TextPair> pairs, @Nullable Double threshold);

    /**
     * The logits of one sequence of token ids, used exactly as given.
     *
     * @return one for each class
     */
    float[] logits(int... ids);

    /** Frees all memory. Idempotent; a call that is running ends first or fails with {@link ModelClosedException}. */
    @Override
    void close();

    /** Two texts, such as premise and hypothesis. */
    record TextPair(String first, String second) {}

    /**
     * What a text was found to be.
     *
     * @param label the most likely class
     * @param probabilities one for each of {@link #labels}, adding up to 1
     * @param sparsity measured over this text
     */
    record Classification(String label, List<Double> probabilities, SparsityReport sparsity) {
        public Classification {
            probabilities = List.copyOf(probabilities);
        }
    }
}
