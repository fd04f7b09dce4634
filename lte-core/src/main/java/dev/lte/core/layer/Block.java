package dev.lte.core.layer;

import dev.lte.backend.Kernels;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import dev.lte.core.cache.KeyValueCache;
import org.jspecify.annotations.Nullable;

/**
 * A transformer block: attention, then the feed-forward block, each as a branch beside a residual connection. Where norms
 * stand is the family's: {@code x + f(norm(x))}, {@code x + norm(f(norm(x)))}, or {@code norm(x + f(x))} with
 * {@code normsFollow}.
 *
 * @param attentionNorm in front of attention, or null
 * @param afterAttention behind attention, or null
 * @param ffnNorm in front of the feed-forward block, or null
 * @param afterFfn behind the feed-forward block, or null
 * @param normsFollow whether the norms behind come after the residual connection
 */
public record Block(
        @Nullable Norm attentionNorm,
        Attention attention,
        @Nullable Norm afterAttention,
        @Nullable Norm ffnNorm,
        FeedForward ffn,
        @Nullable Norm afterFfn,
        boolean normsFollow) {
    Block withFfn(FeedForward other) {
        return new Block(attentionNorm, attention, afterAttention, ffnNorm, other, afterFfn, normsFollow);
    }

    void forward(Kernels kernels, Pass pass, @Nullable KeyValueCache cache) {
        boolean direct = addsDirectly(attentionNorm, afterAttention);
        Tensor out = direct ? pass.x() : pass.branch();
        Write write = direct ? Write.ADD : Write.SET;
        attention.forward(kernels, pass, cache, out, begin(kernels, pass, attentionNorm), write);
        end(kernels, pass, direct, afterAttention);

        direct = addsDirectly(ffnNorm, afterFfn);
        out = direct ? pass.x() : pass.branch();
        write = direct ? Write.ADD : Write.SET;
        Tensor in = begin(kernels, pass, ffnNorm);
        ffn.forward(kernels, pass, attention.index(), out, in, write);
        end(kernels, pass, direct, afterFfn);
    }

    /** Whether a branch can add its output to the residual itself: its input is another tensor, and nothing follows it. */
    private static boolean addsDirectly(@Nullable Norm before, @Nullable Norm after) {
        return before != null && after == null;
    }

    /** The branch's input. */
    private static Tensor begin(Kernels kernels, Pass pass, @Nullable Norm norm) {
        if (norm == null) {
            return pass.x();
        }
        norm.forward(kernels, pass.normed(), pass.x());
        return pass.normed();
    }

    private void end(Kernels kernels, Pass pass, boolean added, @Nullable Norm norm) {
        if (added) {
            return;
        }
        if (norm != null && !normsFollow) {
            norm.forward(kernels, pass.branch(), pass.branch());
        }
        kernels.add(pass.x(), pass.branch());
        if (norm != null && normsFollow) {
            norm.forward(kernels, pass.x(), pass.x());
        }
    }
}
