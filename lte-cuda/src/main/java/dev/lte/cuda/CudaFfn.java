package dev.lte.cuda;

import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;

/**
 * A block packed expert by expert.
 *
 * @param inner N x (M gate rows, M up rows) of D columns
 * @param outer N x D rows of {@code padded} columns
 * @param padded M, rounded up to whole chunks of the outer type
 * @param upBias address of F floats, or 0
 * @param downBias address of D floats, or 0
 */
record CudaFfn(
        CudaStorage storage,
        FfnSpec spec,
        long byteSize,
        Segment inner,
        Segment outer,
        int padded,
        long upBias,
        long downBias)
        implements FfnWeights {}
