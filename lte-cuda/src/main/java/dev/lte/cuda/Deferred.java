package dev.lte.cuda;

import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import org.jspecify.annotations.Nullable;

/** An operation that waits for the one after it, whose kernel may do it on the way. */
sealed interface Deferred {
    /** Each row of {@code x} is one group. */
    record Norm(
            CudaTensor out,
            CudaTensor x,
            CudaTensor weight,
            @Nullable CudaTensor bias,
            NormSpec spec) implements Deferred {
        /** Whether a kernel that reads {@code input} and writes {@code output} can do it, each block for itself. */
        boolean feeds(CudaTensor input, CudaTensor output) {
            return out.sameRows(input)
                    && x.storage() != out.storage()
                    && x.storage() != output.storage()
                    && x.isAligned();
        }
    }

    record Rope(CudaTensor x, CudaTensor positions, CudaTensor table, RopeSpec spec) implements Deferred {
        /** The head at which {@code k} begins, or -1 if it is not a range of heads that is rotated at these positions. */
        int headOf(CudaTensor k, CudaTensor at) {
            long offset = k.address() - x.address();
            long head = offset / (4L * spec.headSize());
            boolean inside = k.storage() == x.storage()
                    && k.stride() == x.stride()
                    && k.rows() == x.rows()
                    && positions.sameRows(at)
                    && offset >= 0
                    && offset % (4L * spec.headSize()) == 0
                    && head * spec.headSize() + k.columns() == x.columns();
            return inside ? (int) head : -1;
        }
    }

    /** Keys and values that are stored, the keys rotated before, with the queries in front of them. */
    record Append(Rope rope, CudaTensor keys, CudaTensor values, CudaTensor k, CudaTensor v, CudaAttention.Rows rows)
            implements Deferred {}

    record Selection(CudaTensor experts, CudaTensor counts, CudaTensor scores, CudaTensor thresholds)
            implements Deferred {
        boolean feeds(CudaTensor list, CudaTensor sizes) {
            return experts.sameRows(list) && counts.sameRows(sizes);
        }
    }
}
