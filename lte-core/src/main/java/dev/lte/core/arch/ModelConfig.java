package dev.lte.core.arch;

import dev.lte.backend.Activation;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All by which one transformer family differs from another. A family is a set of values here, never a class.
 *
 * @param architecture the name that the file gives, such as {@code llama}
 * @param model D
 * @param ffn F
 * @param heads H
 * @param keyValueHeads K
 * @param headSize E
 * @param vocabulary V, rows of the token embedding
 * @param contextLength positions that the model was made for
 * @param norm of every normalisation except those per head, which are RMS with the same epsilon and weight offset
 * @param normPlacement where norms stand
 * @param activation of the FFN
 * @param gated whether the FFN has a gate
 * @param embeddingScale multiplies token embeddings
 * @param positionOffset added to positions when learned position embeddings are looked up (OPT 2, RoBERTa padding id + 1)
 * @param ropes the rotations that layers refer to; empty where positions are learned
 * @param attentionScale multiplies attention scores
 * @param attentionSoftcap 0 for none
 * @param finalSoftcap of the logits, 0 for none
 * @param causal false for encoders
 * @param classes of the classification head; 0 for language models
 * @param classLabels one per class, or empty
 * @param layers one entry per block
 * @param routing null for dense models
 */
public record ModelConfig(
        String architecture,
        int model,
        int ffn,
        int heads,
        int keyValueHeads,
        int headSize,
        int vocabulary,
        int contextLength,
        NormSpec norm,
        NormPlacement normPlacement,
        Activation activation,
        boolean gated,
        float embeddingScale,
        int positionOffset,
        List<Rope> ropes,
        float attentionScale,
        float attentionSoftcap,
        float finalSoftcap,
        boolean causal,
        int classes,
        List<String> classLabels,
        List<Layer> layers,
        @Nullable Routing routing) {
    public ModelConfig {
        ropes = List.copyOf(ropes);
        classLabels = List.copyOf(classLabels);
        layers = List.copyOf(layers);
    }

    /** Where norms stand in a block. */
    public enum NormPlacement {
        /** {@code x + f(norm(x))}: Llama, GPT-2, OPT. */
        BEFORE,
        /** {@code norm(x + f(x))}: RoBERTa. */
        AFTER,
        /** {@code x + norm(f(norm(x)))}: Gemma. */
        AROUND
    }

    /**
     * @param window positions a token sees at most, itself included; 0 for all
     * @param rope index into {@link #ropes}; -1 for no rotation
     */
    public record Layer(int window, int rope) {}

    /**
     * @param inverseFrequencies angle per position of each pair (rotated / 2 of them), scaling included
     * @param magnitude multiplies cosines and sines (YaRN, LongRoPE); 1 otherwise
     * @param pairing of columns
     */
    public record Rope(List<Double> inverseFrequencies, double magnitude, RopeSpec.Pairing pairing) {
        public Rope {
            inverseFrequencies = List.copyOf(inverseFrequencies);
        }
    }

    /**
     * LTE routing.
     *
     * @param expertSize M
     * @param threshold the tau that the model was trained with
     * @param topK experts that run for every token by noisy top-k routers, a baseline that is evaluated and not served; 0 for LTE
     */
    public record Routing(int expertSize, float threshold, int topK) {
        /** LTE's own. */
        public Routing(int expertSize, float threshold) {
            this(expertSize, threshold, 0);
        }
    }

    /** The same model with other routing, or dense. */
    public ModelConfig withRouting(@Nullable Routing routing) {
        return new ModelConfig(
                architecture,
                model,
                ffn,
                heads,
                keyValueHeads,
                headSize,
                vocabulary,
                contextLength,
                norm,
                normPlacement,
                activation,
                gated,
                embeddingScale,
                positionOffset,
                ropes,
                attentionScale,
                attentionSoftcap,
                finalSoftcap,
                causal,
                classes,
                classLabels,
                layers,
                routing);
    }

    /** N, experts per layer, or 0 for a dense model. */
    public int experts() {
        return routing == null ? 0 : ffn / routing.expertSize();
    }
}
