package dev.lte;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A way to leave out parts of a dense model's FFNs without training it, for comparison with LTE in an evaluation. Activations pass
 * the host, so it measures quality and work, not speed.
 *
 * @param method what decides
 * @param sparsity share of neurons that is left out, 0 up to 1
 * @param expertSize M, for methods that choose experts; must divide F
 * @param calibration text or E2E CSV for methods that need activations, null for the text that is built in; TSV, which must be
 *     given, for models that classify
 */
public record PostHocRouting(
        Method method,
        double sparsity,
        int expertSize,
        @Nullable Path calibration) {
    /** What decides. Oracles see the activations that they leave out, which no served model can. */
    public enum Method {
        /** Oracle: the neurons of greatest magnitude, the same number for every token (keep-largest-activations). */
        LARGEST_ACTIVATIONS,
        /** Oracle: the experts of the greatest activations, the same number for every token (MoEfication's upper bound). */
        LARGEST_EXPERTS,
        /** MoEfication: experts by a router that was fitted to their activations, the same number for every token. */
        MOEFICATION,
        /** Deja Vu: neurons by a predictor of low rank, the same number for every token. */
        DEJA_VU,
        /** CATS: neurons whose activated gate is above a threshold of the layer; the gate is computed in full. */
        MAGNITUDE,
        /**
         * Noisy top-k softmax routers over experts, which scale what they choose by its probability (Shazeer et al., 2017); only the
         * routers are learnt.
         */
        NOISY_TOP_K
    }

    public PostHocRouting {
        if (!(sparsity >= 0 && sparsity < 1)) {
            throw new InvalidRequestException("sparsity", "0 up to 1", sparsity);
        }
        if (expertSize < 1) {
            throw new InvalidRequestException("expertSize", "1 or more", expertSize);
        }
    }
}
