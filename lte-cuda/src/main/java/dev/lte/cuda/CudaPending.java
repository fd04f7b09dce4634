package dev.lte.cuda;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/**
 * The operations that the kernel of the next one may do on the way: norms before products, rotations before keys and values are
 * stored and a single token attends, selections of experts before blocks. At most one waits, for the next operation of its queue. Not thread-safe.
 */
final class CudaPending {
    private final CudaModule module;
    private final CudaLaunch launch;
    private final CudaNorms norms;
    private final CudaProducts products;
    private final CudaAttention attention;
    private @Nullable Deferred deferred;

    CudaPending(CudaModule module, CudaLaunch launch, CudaNorms norms, CudaProducts products, CudaAttention attention) {
        this.module = module;
        this.launch = launch;
        this.norms = norms;
        this.products = products;
        this.attention = attention;
    }

    /** Launches what waits. */
    void flush() {
        Deferred before = deferred;
        deferred = null;
        switch (before) {
            case null -> {}
            case Deferred.Norm norm -> norms.run(norm);
            case Deferred.Rope rope -> run(rope);
            case Deferred.Append append -> attention.ropeAppend(append);
            case Deferred.Selection selection -> run(selection);
        }
    }

    /** Drops what waits. */
    void forget() {
        deferred = null;
    }

    /** Nothing waits. */
    void norm(Deferred.Norm norm) {
        if (norm.weight().columns() == norm.x().columns()) {
            deferred = norm;
        } else {
            norms.run(norm);
        }
    }

    void product(CudaTensor out, CudaTensor x, CudaTensor weight, @Nullable CudaTensor bias, int mode) {
        if (deferred instanceof Deferred.Norm norm && products.linear(out, x, weight, bias, mode, norm)) {
            deferred = null;
            attention.follows(out, norm.out());
            return;
        }
        flush();
        products.linear(out, x, weight, bias, mode, null);
        attention.follows(out, out);
    }

    /** Nothing waits. */
    void rope(Deferred.Rope rope) {
        deferred = rope;
    }

    private void run(Deferred.Rope rope) {
        CudaTensor x = rope.x();
        RopeSpec spec = rope.spec();
        int heads = x.columns() / spec.headSize();
        int pairs = spec.rotated() / 2;
        launch.start().put(x).put(rope.positions()).put(rope.table());
        launch.put(rope.table().rows()).put(x.rows()).put(heads).put(spec.headSize());
        launch.put(pairs).put(spec.pairing() == RopeSpec.Pairing.HALVES ? 1 : 0);
        if (pairs > 0) {
            launch.runRows(module.function("rope"), x.rows(), (long) heads * pairs);
        }
    }

    void append(CudaTensor keys, CudaTensor values, CudaTensor k, CudaTensor v, CudaAttention.Rows rows) {
        if (deferred instanceof Deferred.Rope rope && attention.takes(rope, k, rows)) {
            deferred = new Deferred.Append(rope, keys, values, k, v, rows);
            return;
        }
        flush();
        attention.append(keys, values, k, v, rows);
    }

    void attention(
            CudaTensor out,
            CudaTensor q,
            CudaTensor keys,
            CudaTensor values,
            CudaAttention.Rows rows,
            AttentionSpec spec) {
        Deferred.Append taken =
                deferred instanceof Deferred.Append append && attention.feeds(append, q, keys, values, rows, spec)
                        ? append
                        : null;
        if (taken == null) {
            flush();
        }
        if (attention.cached(out, q, keys, values, rows, spec, taken)) {
            deferred = null;
            return;
        }
        flush();
        attention.cached(out, q, keys, values, rows, spec, null);
    }

    /** Nothing waits. */
    void selection(Deferred.Selection selection) {
        deferred = selection;
    }

    private void run(Deferred.Selection selection) {
        CudaTensor scores = selection.scores();
        launch.start().put(selection.experts()).put(selection.counts());
        launch.put(scores).put(selection.thresholds()).put(scores.columns());
        launch.run(module.function("selectExperts"), scores.rows(), 1, 1, 1024);
    }

    void denseFfn(CudaTensor y, CudaTensor x, CudaFfn ffn, Write write) {
        if (!products.takes(x, ffn)) {
            Deferred.Norm many =
                    deferred instanceof Deferred.Norm norm && norm.out().sameRows(x) ? norm : null;
            if (many == null) {
                flush();
            }
            deferred = null;
            products.dense(y, x, ffn, write, many);
            return;
        }
        Deferred.Norm taken = deferred instanceof Deferred.Norm norm && norm.feeds(x, x) ? norm : null;
        if (taken == null) {
            flush();
        }
        deferred = null;
        products.few(y, x, ffn, null, null, write, null, taken);
    }

    void sparseFfn(CudaTensor y, CudaTensor x, CudaFfn ffn, CudaTensor experts, CudaTensor counts, Write write) {
        if (!products.takes(x, ffn)) {
            flush();
            products.sparse(y, x, ffn, experts, counts, write);
            return;
        }
        Deferred.Selection taken =
                deferred instanceof Deferred.Selection choice && choice.feeds(experts, counts) ? choice : null;
        if (taken == null) {
            flush();
        }
        deferred = null;
        products.few(y, x, ffn, experts, counts, write, taken, null);
    }
}
