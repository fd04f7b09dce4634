package dev.lte.core.layer;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Kernels;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import dev.lte.core.cache.KeyValueCache;
import org.jspecify.annotations.Nullable;

/**
 * Attention with grouped key/value heads: {@code qkv = W x}, norms per head where a model has them, rotation, keys and values
 * into the cache, weighted values, output projection.
 *
 * @param index of the layer, for the cache
 * @param qkv (H x E + 2 K x E, D): query, key and value rows
 * @param queryNorm over each query head, or null
 * @param keyNorm over each key head, or null
 * @param rope null where positions are learned
 * @param output (D, H x E)
 */
public record Attention(
        int index,
        Linear qkv,
        @Nullable Norm queryNorm,
        @Nullable Norm keyNorm,
        @Nullable RopeTable rope,
        Linear output,
        AttentionSpec spec) {
    /** @param x (T, D), the input, which must not be {@code out} */
    void forward(Kernels kernels, Pass pass, @Nullable KeyValueCache cache, Tensor out, Tensor x, Write write) {
        qkv.forward(kernels, pass.qkv(), x, Write.SET);
        if (queryNorm != null) {
            queryNorm.forward(kernels, pass.queries(), pass.queries());
        }
        if (keyNorm != null) {
            keyNorm.forward(kernels, pass.keys(), pass.keys());
        }
        if (rope != null) {
            kernels.rope(pass.queriesAndKeys(), pass.positions(), rope.table(), rope.spec());
        }
        if (cache == null) {
            kernels.selfAttention(pass.attended(), pass.queries(), pass.keys(), pass.values(), pass.starts(), spec);
        } else {
            Tensor keys = cache.keys(index);
            Tensor values = cache.values(index);
            kernels.appendKeyValue(keys, values, pass.keys(), pass.values(), pass.batch());
            kernels.attention(pass.attended(), pass.queries(), keys, values, pass.batch(), spec);
        }
        output.forward(kernels, out, pass.attended(), write);
    }
}
