package dev.lte.backend;

import org.jspecify.annotations.Nullable;

/**
 * The shape and type checks of {@link Kernels} and {@link KernelQueue}, one method per operation, for backends to call on the
 * caller's thread. A mismatch is an {@link IllegalArgumentException} that names the expected and the found shape; a check
 * that passes allocates nothing.
 *
 * <p>What only a backend knows stays with it: whether a tensor is its own and still in use, and contents such as ids and
 * positions, which operations clamp or skip rather than check.
 */
public final class KernelChecks {
    private KernelChecks() {}

    /** Checks {@link Kernels#embed}. */
    public static void embed(Tensor out, Tensor table, Tensor ids) {
        f32("embed", "out", out);
        weight("embed", "table", table, table.rows(), out.columns());
        shape("embed", "ids", ids, DType.I32, out.rows(), 1);
        if (table.rows() == 0) {
            fail("embed", "table", "at least one row of " + table.columns() + " columns", table);
        }
    }

    /** Checks {@link Kernels#norm}. */
    public static void norm(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias) {
        f32("norm", "out", out);
        shape("norm", "x", x, DType.F32, out.rows(), out.columns());
        shape("norm", "weight", weight, DType.F32, 1, weight.columns());
        if (weight.columns() == 0 || out.columns() % weight.columns() != 0) {
            fail("norm", "weight", "1 x a divisor of the " + out.columns() + " columns of out " + text(out), weight);
        }
        if (bias != null) {
            shape("norm", "bias", bias, DType.F32, 1, weight.columns());
        }
    }

    /** Checks {@link Kernels#linear}. */
    public static void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias) {
        f32("linear", "out", out);
        weight("linear", "weight", weight, out.columns(), weight.columns());
        shape("linear", "x", x, DType.F32, out.rows(), weight.columns());
        if (bias != null) {
            shape("linear", "bias", bias, DType.F32, 1, weight.rows());
        }
    }

    /** Checks {@link Kernels#rope}. */
    public static void rope(Tensor x, Tensor positions, Tensor table, RopeSpec spec) {
        f32("rope", "x", x);
        if (x.columns() % spec.headSize() != 0) {
            fail("rope", "x", x.rows() + " x a multiple of the head size " + spec.headSize(), x);
        }
        shape("rope", "positions", positions, DType.I32, x.rows(), 1);
        shape("rope", "table", table, DType.F32, table.rows(), spec.rotated());
        if (table.rows() == 0) {
            fail("rope", "table", "at least one row of " + table.columns() + " columns", table);
        }
    }

    /** Checks {@link Kernels#appendKeyValue}. */
    public static void appendKeyValue(Tensor keyCache, Tensor valueCache, Tensor k, Tensor v, RowBatch rows) {
        f32("appendKeyValue", "k", k);
        shape("appendKeyValue", "v", v, DType.F32, k.rows(), k.columns());
        caches("appendKeyValue", keyCache, valueCache, k.columns(), rows.pageSize());
        batch("appendKeyValue", rows, k.rows());
    }

    /** Checks {@link Kernels#attention}. */
    public static void attention(
            Tensor out, Tensor q, Tensor keyCache, Tensor valueCache, RowBatch rows, AttentionSpec spec) {
        shape("attention", "out", out, DType.F32, out.rows(), spec.heads() * spec.headSize());
        shape("attention", "q", q, DType.F32, out.rows(), out.columns());
        caches("attention", keyCache, valueCache, spec.keyValueHeads() * spec.headSize(), rows.pageSize());
        batch("attention", rows, out.rows());
    }

    /** Checks {@link Kernels#selfAttention}. */
    public static void selfAttention(Tensor out, Tensor q, Tensor k, Tensor v, Tensor starts, AttentionSpec spec) {
        shape("selfAttention", "out", out, DType.F32, out.rows(), spec.heads() * spec.headSize());
        shape("selfAttention", "q", q, DType.F32, out.rows(), out.columns());
        shape("selfAttention", "k", k, DType.F32, out.rows(), spec.keyValueHeads() * spec.headSize());
        shape("selfAttention", "v", v, DType.F32, out.rows(), spec.keyValueHeads() * spec.headSize());
        shape("selfAttention", "starts", starts, DType.I32, starts.rows(), 1);
        if (starts.rows() == 0) {
            fail("selfAttention", "starts", "one row more than there are sequences", starts);
        }
    }

    /** Checks {@link Kernels#add}. */
    public static void add(Tensor y, Tensor x) {
        f32("add", "y", y);
        shape("add", "x", x, DType.F32, y.rows(), y.columns());
    }

    /** Checks {@link Kernels#activate}. */
    public static void activate(Tensor x) {
        f32("activate", "x", x);
    }

    /** Checks {@link Kernels#softcap}. */
    public static void softcap(Tensor x, float cap) {
        f32("softcap", "x", x);
        if (!(cap > 0)) {
            throw new IllegalArgumentException("softcap: expected a cap above 0, found " + cap);
        }
    }

    /** Checks {@link Kernels#gatherRows}. */
    public static void gatherRows(Tensor out, Tensor x, Tensor rows) {
        f32("gatherRows", "out", out);
        shape("gatherRows", "x", x, DType.F32, x.rows(), out.columns());
        shape("gatherRows", "rows", rows, DType.I32, out.rows(), 1);
        if (x.rows() == 0 && out.rows() != 0) {
            fail("gatherRows", "x", "at least one row for out " + text(out), x);
        }
    }

    /** Checks {@link Kernels#denseFfn}. */
    public static void denseFfn(Tensor y, Tensor x, FfnWeights weights) {
        ffn("denseFfn", y, x, weights.spec());
    }

    /** Checks {@link Kernels#routerScores}. */
    public static void routerScores(Tensor scores, Tensor x, Tensor router) {
        f32("routerScores", "scores", scores);
        weight("routerScores", "router", router, scores.columns(), router.columns());
        shape("routerScores", "x", x, DType.F32, scores.rows(), router.columns());
    }

    /** Checks {@link Kernels#selectExperts}. */
    public static void selectExperts(ExpertSelection selection, Tensor scores, Tensor thresholds) {
        f32("selectExperts", "scores", scores);
        selection("selectExperts", selection, scores.rows(), scores.columns());
        shape("selectExperts", "thresholds", thresholds, DType.F32, scores.rows(), 1);
    }

    /** Checks {@link Kernels#sparseFfn}. */
    public static void sparseFfn(Tensor y, Tensor x, FfnWeights weights, ExpertSelection selection) {
        ffn("sparseFfn", y, x, weights.spec());
        selection("sparseFfn", selection, y.rows(), weights.spec().experts());
    }

    /** Checks {@link Kernels#argmax}. */
    public static void argmax(Tensor ids, Tensor logits) {
        f32("argmax", "logits", logits);
        shape("argmax", "ids", ids, DType.I32, logits.rows(), 1);
        if (logits.columns() == 0) {
            fail("argmax", "logits", "at least one column", logits);
        }
    }

    /** Checks {@link KernelQueue#write(Tensor, float[])}. */
    public static void write(Tensor tensor, float[] values) {
        switch (tensor.dtype()) {
            case F32, F16, BF16, Q8_0 -> length("write", tensor, values.length);
            default -> fail("write", "tensor", "F32, F16, BF16 or Q8_0", tensor);
        }
    }

    /** Checks {@link KernelQueue#write(Tensor, int[])}. */
    public static void write(Tensor tensor, int[] values) {
        if (tensor.dtype() != DType.I32) {
            fail("write", "tensor", "I32", tensor);
        }
        length("write", tensor, values.length);
    }

    /** Checks {@link KernelQueue#read(Tensor, float[])}; integers are read as integers only. */
    public static void read(Tensor tensor, float[] values) {
        if (tensor.dtype() == DType.I32) {
            fail("read", "tensor", "floating-point elements for an array of floats", tensor);
        }
        length("read", tensor, values.length);
    }

    /** Checks {@link KernelQueue#read(Tensor, int[])}. */
    public static void read(Tensor tensor, int[] values) {
        if (tensor.dtype() != DType.I32) {
            fail("read", "tensor", "I32 for an array of integers", tensor);
        }
        length("read", tensor, values.length);
    }

    private static void ffn(String operation, Tensor y, Tensor x, FfnSpec spec) {
        shape(operation, "y", y, DType.F32, y.rows(), spec.model());
        shape(operation, "x", x, DType.F32, y.rows(), spec.model());
    }

    private static void selection(String operation, ExpertSelection selection, int rows, int experts) {
        shape(operation, "selection.experts", selection.experts(), DType.I32, rows, experts);
        shape(operation, "selection.counts", selection.counts(), DType.I32, rows, 1);
    }

    private static void caches(String operation, Tensor keyCache, Tensor valueCache, int columns, int pageSize) {
        if (pageSize < 1) {
            throw new IllegalArgumentException(operation + ": expected a page size of at least 1, found " + pageSize);
        }
        weight(operation, "keyCache", keyCache, keyCache.rows(), columns);
        if (keyCache.rows() % pageSize != 0) {
            fail(operation, "keyCache", "whole pages of " + pageSize + " x " + columns, keyCache);
        }
        shape(operation, "valueCache", valueCache, keyCache.dtype(), keyCache.rows(), columns);
    }

    private static void batch(String operation, RowBatch batch, int rows) {
        shape(operation, "positions", batch.positions(), DType.I32, rows, 1);
        shape(operation, "sequences", batch.sequences(), DType.I32, rows, 1);
        Tensor pages = batch.pageTable();
        shape(operation, "pageTable", pages, DType.I32, pages.rows(), pages.columns());
    }

    static void f32(String operation, String name, Tensor tensor) {
        shape(operation, name, tensor, DType.F32, tensor.rows(), tensor.columns());
    }

    static void shape(String operation, String name, Tensor tensor, DType dtype, int rows, int columns) {
        if (tensor.dtype() != dtype || tensor.rows() != rows || tensor.columns() != columns) {
            fail(operation, name, rows + " x " + columns + " " + dtype, tensor);
        }
    }

    /** Any element type except integers. */
    private static void weight(String operation, String name, Tensor tensor, int rows, int columns) {
        if (tensor.dtype() == DType.I32 || tensor.rows() != rows || tensor.columns() != columns) {
            fail(operation, name, rows + " x " + columns + " of a weight type", tensor);
        }
    }

    private static void length(String operation, Tensor tensor, int length) {
        if ((long) tensor.rows() * tensor.columns() > length) {
            throw new IllegalArgumentException(operation + ": expected an array of at least " + tensor.rows() + " x "
                    + tensor.columns() + " values, found " + length);
        }
    }

    static void fail(String operation, String name, String expected, Tensor found) {
        throw new IllegalArgumentException(
                operation + ": expected " + name + " to be " + expected + ", found " + text(found));
    }

    static String text(Tensor tensor) {
        return tensor.rows() + " x " + tensor.columns() + " " + tensor.dtype();
    }
}
