package dev.lte.backend;

/**
 * The weights of one feed-forward block, in whatever layout the backend's {@link Kernels#denseFfn} and
 * {@link Kernels#sparseFfn} want. Backends keep all of an expert's weights contiguous, so that an expert that is off costs
 * no memory traffic. Freed with its backend.
 */
public interface FfnWeights {
    FfnSpec spec();

    /** Bytes that a dense run reads. */
    long byteSize();
}
