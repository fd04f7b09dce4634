package dev.lte.backend;

import org.jspecify.annotations.Nullable;

/**
 * The layer steps of a transformer: one operation per line of the model's pseudo-code. Outputs come first, inputs next,
 * shapes last. Activations are F32; element types of weights are a property of the tensor, never of a method.
 *
 * <p>An operation only enqueues; it sees the results of those before it on the same queue. T is the number of rows of the
 * output; with T = 0 nothing happens. Outputs must not overlap inputs unless said so. Shapes are checked on the caller's thread
 * ({@link KernelChecks}) and a mismatch is an {@link IllegalArgumentException} naming both; no operation reads or writes
 * outside its tensors, whatever integers they hold.
 */
public interface Kernels {
    /**
     * {@code out[t] = scale * table[ids[t]]}. An id outside the table is the caller's fault and must be checked by it; the
     * kernel clamps it into the table rather than reading outside.
     *
     * @param out (T, D)
     * @param table (V, D), any weight type
     * @param ids (T, 1) I32
     */
    void embed(Tensor out, Tensor table, Tensor ids, float scale, Write write);

    /**
     * Normalises each group of {@code columns(weight)} consecutive columns of a row, then multiplies by
     * {@code weight + spec.weightOffset()} and adds the bias. Sums in at least F32. {@code out} may be {@code x}.
     *
     * @param out (T, G x columns)
     * @param x (T, G x columns)
     * @param weight (1, columns) F32
     * @param bias (1, columns) F32 or null
     */
    void norm(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, NormSpec spec);

    /**
     * {@code out[t] = weight x[t] + bias}, or added to {@code out} with {@link Write#ADD}. Quantised weights may be multiplied
     * with activations quantised to 8 bits in blocks of 32.
     *
     * @param out (T, rows(weight))
     * @param x (T, columns(weight))
     * @param weight from {@link Backend#weight}
     * @param bias (1, rows(weight)) F32 or null
     */
    void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Write write);

    /**
     * Rotates every head of every row in place by the angle of the row's position.
     *
     * @param x (T, heads x E)
     * @param positions (T, 1) I32
     * @param table (positions, rotated): column 2i is the cosine, column 2i + 1 the sine of pair i
     */
    void rope(Tensor x, Tensor positions, Tensor table, RopeSpec spec);

    /**
     * Stores keys and values of the rows in the cache pages of their sequences.
     *
     * @param keyCache (pages x pageSize, K x E), F32, F16 or another type the backend allocates caches in; block types
     *     round half away from zero, and a block with values that it cannot hold becomes NaN
     * @param valueCache as {@code keyCache}
     * @param k (T, K x E)
     * @param v (T, K x E)
     */
    void appendKeyValue(Tensor keyCache, Tensor valueCache, Tensor k, Tensor v, RowBatch rows);

    /**
     * {@code out[t] = softmax(scale * q[t] keys^T + mask) values} for every head, over the cached positions of the row's
     * sequence that the spec lets it see. Keys of the rows themselves have been appended before. Without causality a row
     * sees up to the last position that its sequence has among the rows.
     *
     * @param out (T, H x E)
     * @param q (T, H x E)
     */
    void attention(Tensor out, Tensor q, Tensor keyCache, Tensor valueCache, RowBatch rows, AttentionSpec spec);

    /**
     * Attention without a cache, over rows that hold whole sequences: row t sees the rows of its own sequence that the spec
     * lets it see.
     *
     * @param out (T, H x E)
     * @param q (T, H x E)
     * @param k (T, K x E)
     * @param v (T, K x E)
     * @param starts (B + 1, 1) I32: rows {@code starts[b]} to {@code starts[b + 1]} form sequence b
     */
    void selfAttention(Tensor out, Tensor q, Tensor k, Tensor v, Tensor starts, AttentionSpec spec);

    /** {@code y[i] = y[i] + x[i]}, both (T, D). */
    void add(Tensor y, Tensor x);

    /** {@code x[i] = act(x[i])} in place. */
    void activate(Tensor x, Activation activation);

    /** {@code x[i] = cap * tanh(x[i] / cap)} in place. */
    void softcap(Tensor x, float cap);

    /**
     * {@code out[s] = x[rows[s]]}, an index outside x being clamped into it.
     *
     * @param out (S, D)
     * @param x (T, D)
     * @param rows (S, 1) I32
     */
    void gatherRows(Tensor out, Tensor x, Tensor rows);

    /**
     * Every expert runs: {@code y[t] = sum over experts g of E_g(x[t])} (LTE, equation 2 with all experts on).
     *
     * @param y (T, D)
     * @param x (T, D)
     */
    void denseFfn(Tensor y, Tensor x, FfnWeights weights, Write write);

    /**
     * Router scores, {@code scores[t][g] = sigmoid(router[g] . x[t])} (LTE, equation 1), summed in at least F32.
     *
     * @param scores (T, N)
     * @param x (T, D), the input of the FFN itself
     * @param router (N, D) from {@link Backend#weight}
     */
    void routerScores(Tensor scores, Tensor x, Tensor router);

    /**
     * Thresholding: expert g of row t is active exactly if {@code scores[t][g] > thresholds[t]}.
     *
     * @param selection (T, N) and (T, 1), overwritten
     * @param scores (T, N)
     * @param thresholds (T, 1) F32: a row's own tau, so that batch neighbours may differ; below 0 everything is active
     */
    void selectExperts(ExpertSelection selection, Tensor scores, Tensor thresholds);

    /**
     * Only active experts run and only their weights are read: {@code y[t] = sum over active g of E_g(x[t])}, unscaled (LTE,
     * equation 2), plus the down bias. A row without active experts yields the bias alone. With several rows, an expert's
     * weights are read once for all rows that want it.
     *
     * @param y (T, D)
     * @param x (T, D)
     * @param selection T rows
     */
    void sparseFfn(Tensor y, Tensor x, FfnWeights weights, ExpertSelection selection, Write write);

    /**
     * The index of each row's largest element, the lowest one on a tie.
     *
     * @param ids (T, 1) I32
     * @param logits (T, V)
     */
    void argmax(Tensor ids, Tensor logits);
}
