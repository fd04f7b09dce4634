package dev.lte;

import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What was loaded and how it runs.
 *
 * @param name the model's own name, or the file's
 * @param architecture such as {@code llama}
 * @param layers number of blocks
 * @param model D
 * @param ffn F
 * @param vocabulary V
 * @param contextLength positions that a sequence may take here
 * @param parameters number of weights
 * @param weightBytes bytes of the weights as loaded
 * @param routing router facts, or null for a dense model
 * @param backend name of the backend
 * @param device description of its device
 */
public record ModelInfo(
        String name,
        String architecture,
        int layers,
        int model,
        int ffn,
        int vocabulary,
        int contextLength,
        long parameters,
        long weightBytes,
        @Nullable Routing routing,
        String backend,
        String device) {
    /**
     * @param experts N of each layer
     * @param expertSize M, neurons of an expert
     * @param threshold the model's own tau
     */
    public record Routing(int experts, int expertSize, float threshold) {}

    /** N, or empty for a dense model. */
    public OptionalInt experts() {
        return routing == null ? OptionalInt.empty() : OptionalInt.of(routing.experts());
    }
}
