package dev.lte.backend;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The layer steps of training, forward and backward: what a {@link KernelQueue} may offer besides {@link Kernels}, in the same
 * order with its other operations. What {@link Kernels} says about enqueuing, checks ({@link TrainingChecks}), stray integers
 * and overlap holds here too.
 *
 * <p><b>Nothing passes through the host.</b> Parameters, gradients, optimiser state, activations, losses and norms are tensors
 * from {@link Backend#allocate}, and so are the numbers that change from step to step (rates, loss factors): a step can be
 * {@linkplain KernelQueue#record recorded} once, and the host reads a few scalars per step.
 *
 * <p><b>Types.</b> Parameters, activations and gradients of activations are F32 or BF16, each tensor by itself; a single
 * exception is that the factors of a product ({@code x}, {@code weight}, {@code dout} of the linear operations) share one type.
 * Gradients of parameters, optimiser state, statistics, scores and their gradients, losses and row weights are F32. Sums
 * accumulate in at least F32; results are rounded to nearest even.
 *
 * <p><b>Names.</b> {@code dx} is the gradient of the loss with respect to x. Gradients of activations are overwritten, or added
 * to where the operation takes a {@link Write}; gradients of parameters and losses always accumulate, so that micro-batches and
 * uses of one parameter in several places add up. {@link #fill} sets them to 0.
 *
 * <p><b>Padding</b> is a row outside all sequences of {@link #attention}, with the target -1 and the row weight 0. Its
 * activations are defined (finite if the parameters are) and the gradients that reach it are 0.
 *
 * <p><b>Determinism.</b> The same calls on the same values give the same bits, on one device with one number of threads.
 */
public interface TrainingKernels {
    /** Whether activations and parameters may have this type: F32 always, BF16 where the backend has it. */
    boolean supports(DType dtype);

    /**
     * {@code out[t] = scale * table[ids[t]]}, or added to {@code out}; ids are clamped into the table. Also gathers rows of
     * activations.
     *
     * @param out (T, D)
     * @param table (V, D)
     * @param ids (T, 1) I32
     */
    void embed(Tensor out, Tensor table, Tensor ids, float scale, Write write);

    /**
     * {@code dtable[v] += scale * sum over t with ids[t] = v of dout[t]}, in ascending order of t.
     *
     * @param dtable (V, D) F32, accumulated
     * @param dout (T, D)
     * @param ids (T, 1) I32, clamped into the table
     */
    void embedBackward(Tensor dtable, Tensor dout, Tensor ids, float scale);

    /**
     * {@code out = x weight^T + bias}, or added to {@code out}.
     *
     * @param out (T, R)
     * @param x (T, C)
     * @param weight (R, C), an ordinary tensor of the type of x
     * @param bias (1, R) or null
     */
    void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Write write);

    /**
     * {@code dx = dout weight}, or added to {@code dx}.
     *
     * @param dx (T, C)
     * @param dout (T, R)
     * @param weight (R, C)
     */
    void linearBackwardInput(Tensor dx, Tensor dout, Tensor weight, Write write);

    /**
     * {@code dweight += dout^T x} and {@code dbias += sum over t of dout[t]}.
     *
     * @param dweight (R, C) F32, accumulated
     * @param dbias (1, R) F32, accumulated, or null without a bias
     * @param dout (T, R)
     * @param x (T, C)
     */
    void linearBackwardWeight(Tensor dweight, @Nullable Tensor dbias, Tensor dout, Tensor x);

    /**
     * As {@link Kernels#norm}, for each group g of C columns {@code out = (x - mean) * factor * (weight + weightOffset) + bias}
     * with {@code factor = 1 / sqrt(mean((x - mean)^2) + epsilon)} and, for RMS, 0 in place of the mean.
     *
     * @param out (T, G x C); may be {@code x} if no backward pass follows
     * @param statistics (T, 2 x G) F32, overwritten: the mean of group g in column 2g, its factor in column 2g + 1
     * @param x (T, G x C)
     * @param weight (1, C)
     * @param bias (1, C) or null
     */
    void norm(Tensor out, Tensor statistics, Tensor x, Tensor weight, @Nullable Tensor bias, NormSpec spec);

    /**
     * A residual connection and the norm behind it: {@code sum = x + branch}, then {@link #norm} of {@code sum}.
     *
     * @param out (T, G x C)
     * @param statistics (T, 2 x G) F32, overwritten
     * @param sum (T, G x C), overwritten; may be {@code x} or {@code branch}
     * @param x (T, G x C)
     * @param branch (T, G x C)
     */
    void addNorm(
            Tensor out,
            Tensor statistics,
            Tensor sum,
            Tensor x,
            Tensor branch,
            Tensor weight,
            @Nullable Tensor bias,
            NormSpec spec);

    /**
     * With {@code n = (x - mean) * factor} and {@code u = dout * (weight + weightOffset)}:
     * {@code dx = factor * (u - mean(u) - n * mean(u * n))} over each group, where RMS has no {@code mean(u)};
     * {@code dweight += sum of dout * n} and {@code dbias += sum of dout} over rows and groups.
     *
     * @param dx (T, G x C), overwritten or added to; may be {@code dout}
     * @param dweight (1, C) F32, accumulated
     * @param dbias (1, C) F32, accumulated, or null without a bias
     * @param dout (T, G x C)
     * @param x (T, G x C), what was normalised
     * @param statistics (T, 2 x G) F32, from the forward operation
     * @param weight (1, C)
     */
    void normBackward(
            Tensor dx,
            Tensor dweight,
            @Nullable Tensor dbias,
            Tensor dout,
            Tensor x,
            Tensor statistics,
            Tensor weight,
            NormSpec spec,
            Write write);

    /** As {@link Kernels#rope}, in place. */
    void rope(Tensor x, Tensor positions, Tensor table, RopeSpec spec);

    /** Rotates by the opposite angles, in place: the gradient of the rotated rows becomes that of the rows before. */
    void ropeBackward(Tensor dx, Tensor positions, Tensor table, RopeSpec spec);

    /**
     * As {@link Kernels#selfAttention}; rows outside all sequences yield 0.
     *
     * @param out (T, H x E)
     * @param logSumExp (T, H) F32, overwritten: the logarithm of the sum of exponentials of a row's scores (scaled and capped),
     *     0 for rows outside all sequences
     * @param q (T, H x E)
     * @param k (T, K x E)
     * @param v (T, K x E)
     * @param starts (B + 1, 1) I32, ascending: rows {@code starts[b]} to {@code starts[b + 1]} form sequence b
     */
    void attention(Tensor out, Tensor logSumExp, Tensor q, Tensor k, Tensor v, Tensor starts, AttentionSpec spec);

    /**
     * With weights {@code p = exp(score - logSumExp)} and {@code ds = p * (dout v^T - sum(dout * out))}, times the slope of the
     * cap if there is one: {@code dq = scale * ds k}, {@code dk = scale * ds^T q}, {@code dv = p^T dout}, where a key/value head
     * sums over its query heads. Rows outside all sequences get 0.
     *
     * @param dq (T, H x E), overwritten
     * @param dk (T, K x E), overwritten
     * @param dv (T, K x E), overwritten
     * @param dout (T, H x E)
     * @param out (T, H x E), from the forward operation
     * @param logSumExp (T, H) F32, from the forward operation
     * @param q (T, H x E), as for the forward operation; likewise k, v and starts
     */
    void attentionBackward(
            Tensor dq,
            Tensor dk,
            Tensor dv,
            Tensor dout,
            Tensor out,
            Tensor logSumExp,
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor starts,
            AttentionSpec spec);

    /**
     * The neurons of a feed-forward block with what routing makes of them: {@code hidden = act(gate) * up * r}, or
     * {@code act(up) * r} without a gate, where {@code r[t][f]} comes from the score of the neuron's expert
     * {@code scores[t][f / M]} by {@link Gating} and is 1 without one. With null for gate and scores this is a plain activation.
     *
     * @param hidden (T, F)
     * @param gate (T, F) or null
     * @param up (T, F)
     * @param scores (T, N) F32 with N dividing F; null exactly for {@link Gating#NONE}
     */
    void ffnActivation(
            Tensor hidden,
            @Nullable Tensor gate,
            Tensor up,
            @Nullable Tensor scores,
            Activation activation,
            Gating gating);

    /**
     * With {@code h} as {@code hidden} before the factor r: {@code dgate = dhidden * r * up * act'(gate)},
     * {@code dup = dhidden * r * act(gate)} or {@code dhidden * r * act'(up)}, and
     * {@code dscores[t][g] = sum over the neurons f of expert g of dhidden * h} for {@link Gating.Mode#SOFT} and
     * {@link Gating.Mode#STRAIGHT_THROUGH}.
     *
     * @param dgate (T, F), overwritten, null without a gate; may be {@code gate}
     * @param dup (T, F), overwritten; may be {@code up}
     * @param dscores (T, N) F32, overwritten; null if not wanted, and for {@link Gating.Mode#HARD}, which has no such gradient
     * @param dhidden (T, F)
     */
    void ffnActivationBackward(
            @Nullable Tensor dgate,
            Tensor dup,
            @Nullable Tensor dscores,
            Tensor dhidden,
            @Nullable Tensor gate,
            Tensor up,
            @Nullable Tensor scores,
            Activation activation,
            Gating gating);

    /**
     * {@code scores[t][g] = sigmoid(router[g] . x[t])} (LTE, equation 1).
     *
     * @param scores (T, N) F32
     * @param x (T, D), the input of the feed-forward block
     * @param router (N, D), an ordinary tensor of the type of x
     */
    void routerScores(Tensor scores, Tensor x, Tensor router);

    /**
     * {@code dlogits = dscores * scores * (1 - scores)}: the {@code dout} with which the linear backward operations continue to
     * the router and its input.
     *
     * @param dlogits (T, N), overwritten; may be {@code dscores}
     * @param dscores (T, N) F32
     * @param scores (T, N) F32
     */
    void routerScoresBackward(Tensor dlogits, Tensor dscores, Tensor scores);

    /**
     * Whether {@link #topKScores} and its gradient are there. They belong to a baseline that LTE is compared with, and a backend may
     * do without.
     */
    default boolean supportsTopKScores() {
        return false;
    }

    /**
     * The scores of {@link TopKSpec}.
     *
     * @param scores (T, N) F32, overwritten; may be {@code logits}
     * @param logits (T, N) F32
     * @param seed of the noise
     * @throws UnsupportedOperationException if {@link #supportsTopKScores} says no
     */
    default void topKScores(Tensor scores, Tensor logits, TopKSpec spec, long seed) {
        throw new UnsupportedOperationException("this backend has no noisy top-k routers");
    }

    /**
     * {@code dlogits[g] = scores[g] * (dscores[g] - sum over h of dscores[h] * scores[h] / k)}, as if the chosen experts were always
     * these.
     *
     * @param dlogits (T, N), overwritten; may be {@code dscores}
     * @param dscores (T, N) F32
     * @param scores (T, N) F32, of {@link #topKScores}
     * @throws UnsupportedOperationException if {@link #supportsTopKScores} says no
     */
    default void topKScoresBackward(Tensor dlogits, Tensor dscores, Tensor scores, int k) {
        throw new UnsupportedOperationException("this backend has no noisy top-k routers");
    }

    /**
     * What routing costs, how well it separates, and what share of experts a threshold leaves on, with w[t] the row's weight
     * and means over the N experts G of a row (LTE, equations 4 and 5):
     *
     * <pre>
     * losses[0] += sum over t of w[t] * mean(G^2), or mean(G) for {@link RoutingLossSpec.Efficiency#LINEAR}
     * losses[1] += sum over t of w[t] * mean(1 / ((G - threshold)^2 + guard))
     * losses[2] += sum over t of w[t] * mean(1 if G &gt; threshold, else 0)
     * dscores   += factors[0] * d losses[0] / dG + factors[1] * d losses[1] / dG
     * </pre>
     *
     * Rows of weight 0 are left out, whatever their scores.
     *
     * @param losses (1, 3) F32, accumulated
     * @param dscores (T, N) F32, added to; null to measure only
     * @param scores (T, N) F32
     * @param rowWeights (T, 1) F32
     * @param factors (1, 2) F32: eta and lambda, with the share of the layer in the mean over layers; null as dscores
     */
    void routingLoss(
            Tensor losses,
            @Nullable Tensor dscores,
            Tensor scores,
            Tensor rowWeights,
            @Nullable Tensor factors,
            RoutingLossSpec spec);

    /**
     * {@code loss += sum over t of w[t] * (log sum exp(logits[t]) - logits[t][targets[t]])} and
     * {@code dlogits[t] = w[t] * (softmax(logits[t]) - onehot(targets[t]))}. Rows with weight 0 or a target outside [0, V) are
     * left out: they add nothing and their dlogits are 0, whatever their logits. With w = 1 / (rows that count) this is the
     * mean. As rows are independent, the caller can go through head, loss and the head's backward in chunks of rows, so that
     * the logits of all rows never exist together.
     *
     * @param loss (1, 1) F32, accumulated
     * @param dlogits (T, V), overwritten; may be {@code logits}; null to measure only
     * @param logits (T, V)
     * @param targets (T, 1) I32
     * @param rowWeights (T, 1) F32
     */
    void crossEntropy(Tensor loss, @Nullable Tensor dlogits, Tensor logits, Tensor targets, Tensor rowWeights);

    /**
     * Learning from a teacher, with {@code p = softmax(teacher / temperature)} and {@code s = softmax(logits / temperature)}:
     * {@code loss += sum over t of w[t] * temperature^2 * sum over v of p * (log p - log s)} and
     * {@code dlogits[t] = w[t] * temperature * (s - p)}, or added to {@code dlogits}. Rows of weight 0 are left out as in
     * {@link #crossEntropy}.
     *
     * @param loss (1, 1) F32, accumulated
     * @param dlogits (T, V), overwritten or added to; may be {@code logits} if overwritten
     * @param logits (T, V)
     * @param teacher (T, V)
     * @param rowWeights (T, 1) F32
     * @param temperature above 0
     */
    void distillation(
            Tensor loss,
            Tensor dlogits,
            Tensor logits,
            Tensor teacher,
            Tensor rowWeights,
            float temperature,
            Write write);

    /**
     * {@code sum += } the squares of all elements of all tensors. Any element that is not finite makes the sum so.
     *
     * @param sum (1, 1) F32, accumulated
     * @param tensors F32
     */
    void addSquares(Tensor sum, List<Tensor> tensors);

    /**
     * {@code factor = min(1, maxNorm / (sqrt(squares) + 1e-6))}, or NaN if squares is not finite.
     *
     * @param factor (1, 1) F32, overwritten
     * @param squares (1, 1) F32
     * @param maxNorm above 0, infinite not to clip
     */
    void clipFactor(Tensor factor, Tensor squares, float maxNorm);

    /**
     * One step of AdamW (Loshchilov and Hutter, algorithm 2) for every parameter, with {@code g = factor * gradient}:
     *
     * <pre>
     * m = beta1 * m + (1 - beta1) * g
     * v = beta2 * v + (1 - beta2) * g^2
     * master = master * (1 - rate * weightDecay) - rate * (m * c1) / (sqrt(v * c2) + epsilon)
     * copy = master
     * </pre>
     *
     * If factor is NaN, nothing changes: a step whose gradients are not finite leaves the parameters as they were.
     *
     * @param factor (1, 1) F32, from {@link #clipFactor}
     * @param settings (1, 3) F32: rate, {@code c1 = 1 / (1 - beta1^step)}, {@code c2 = 1 / (1 - beta2^step)}, step from 1
     */
    void adamW(List<ParameterState> parameters, Tensor factor, Tensor settings, AdamWSpec spec);

    /** Sets every element of an F32 or BF16 tensor. */
    void fill(Tensor x, float value);

    /** {@code out = x}, both (T, D), rounding if the types differ. */
    void copy(Tensor out, Tensor x);
}
