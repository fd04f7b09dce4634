package dev.lte.cuda;

import dev.lte.backend.DType;
import org.jspecify.annotations.Nullable;

/** Products with plain weights and their gradients, and router scores. */
final class TrainingProducts {
    /** Rows that a block adds up at least. */
    private static final int ROWS_PER_PART = 64;

    /** Blocks that fill a large device a few times over. */
    private static final int ENOUGH_BLOCKS = 1056;

    private final TrainingLaunch kernels;
    private final CudaBlas blas;
    private final BiasedProducts biased;

    TrainingProducts(TrainingLaunch kernels, CudaBlas blas, BiasedProducts biased) {
        this.kernels = kernels;
        this.blas = blas;
        this.biased = biased;
    }

    /** {@code out = x weight^T + bias}. */
    void linear(CudaTensor out, CudaTensor x, CudaTensor weight, @Nullable CudaTensor bias, boolean add) {
        if (out.dtype() == DType.F32) {
            if (bias != null) {
                addRows(out, bias.address(), 0, bias.dtype(), add);
            }
            multiply(CudaBlas.Form.ROWS_BY_ROWS, out, x, weight, x.columns(), add || bias != null);
        } else if (bias == null && !add) {
            multiply(CudaBlas.Form.ROWS_BY_ROWS, out, x, weight, x.columns(), false);
        } else if (bias == null || add || !biased.multiply(out, x, weight, bias)) {
            multiplyElsewhere(CudaBlas.Form.ROWS_BY_ROWS, out, x, weight, x.columns(), bias, add);
        }
    }

    /**
     * In F32, from where {@code out} gets the sum of all rounded once: some kernels of cuBLAS round a product to BF16 before they
     * add it to what is there.
     */
    private void multiplyElsewhere(
            CudaBlas.Form form,
            CudaTensor out,
            CudaTensor x,
            CudaTensor y,
            int inner,
            @Nullable CudaTensor bias,
            boolean add) {
        int rows = out.rows();
        int columns = out.columns();
        long exact = kernels.scratch(4L * rows * columns);
        if (bias != null) {
            kernels.start().put(exact).put((long) columns).put(Segment.code(DType.F32));
            rowsOf(bias.address(), 0, bias.dtype(), rows, columns, false);
            kernels.runOver("trainEmbed_1", (long) rows * columns);
        }
        if (inner > 0) {
            blas.multiply(form, exact, columns, DType.F32, rows, columns, x, y, inner, bias != null);
        }
        if (inner > 0 || bias != null) {
            addRows(out, exact, columns, DType.F32, add);
        } else if (!add) {
            kernels.fill(out, 0);
        }
    }

    /** {@code out[t] = from[t]}, or added; with a stride of 0 every row is the same. */
    private void addRows(CudaTensor out, long from, long stride, DType dtype, boolean add) {
        boolean wide = TrainingLaunch.width(out.columns(), out) == 4
                && from % (dtype == DType.F32 ? 16 : 8) == 0
                && stride % 4 == 0;
        kernels.start().putTyped(out);
        rowsOf(from, stride, dtype, out.rows(), out.columns(), add);
        int width = wide ? 4 : 1;
        kernels.runOver("trainEmbed_" + width, (long) out.rows() * out.columns() / width);
    }

    private void rowsOf(long from, long stride, DType dtype, int rows, int columns, boolean add) {
        kernels.put(from).put(stride).put(Segment.code(dtype)).put(0L).put(0L).put(0);
        kernels.put(rows).put(columns).put(1f).put(add ? 1 : 0);
    }

    /** {@code dx = dout weight}. */
    void backwardInput(CudaTensor dx, CudaTensor dout, CudaTensor weight, boolean add) {
        if (add && dx.dtype() == DType.BF16) {
            multiplyElsewhere(CudaBlas.Form.ROWS_BY_COLUMNS, dx, dout, weight, dout.columns(), null, add);
        } else {
            multiply(CudaBlas.Form.ROWS_BY_COLUMNS, dx, dout, weight, dout.columns(), add);
        }
    }

    /** {@code dweight += dout^T x}, {@code dbias += sum of dout}. */
    void backwardWeight(CudaTensor dweight, @Nullable CudaTensor dbias, CudaTensor dout, CudaTensor x) {
        if (dweight.rows() > 0 && dweight.columns() > 0) {
            multiply(CudaBlas.Form.COLUMNS_BY_COLUMNS, dweight, dout, x, x.rows(), true);
        }
        if (dbias != null && dout.rows() > 0 && dout.columns() > 0) {
            addColumnSums(dbias, dout);
        }
    }

    private void multiply(CudaBlas.Form form, CudaTensor out, CudaTensor x, CudaTensor y, int inner, boolean add) {
        if (inner > 0) {
            blas.multiply(form, out, x, y, inner, add);
        } else if (!add) {
            kernels.fill(out, 0);
        }
    }

    private void addColumnSums(CudaTensor to, CudaTensor x) {
        int width = TrainingLaunch.width(x.columns(), x);
        int across = TrainingLaunch.blocks(x.columns(), 32 * width);
        int parts = parts(x.rows(), across);
        int perPart = TrainingLaunch.blocks(x.rows(), parts);
        long sums = kernels.scratch(4L * parts * x.columns());
        kernels.start().put(sums).putTyped(x).put(x.rows()).put(x.columns()).put(perPart);
        kernels.run("trainSumRows_" + width, across, parts, 1, 256);
        kernels.addParts(to, sums, parts);
    }

    /** Into how many parts rows are cut for sums over them, if {@code across} blocks take each part. */
    static int parts(int rows, int across) {
        return Math.clamp(rows / ROWS_PER_PART, 1, Math.max(1, ENOUGH_BLOCKS / across));
    }

    /** {@code scores = sigmoid(x router^T)}. */
    void routerScores(CudaTensor scores, CudaTensor x, CudaTensor router) {
        multiply(CudaBlas.Form.ROWS_BY_ROWS, scores, x, router, x.columns(), false);
        kernels.start().put(scores).put(scores.rows()).put(scores.columns());
        kernels.runOver("trainSigmoid", (long) scores.rows() * scores.columns());
    }

    /** {@code dlogits = dscores * scores * (1 - scores)}. */
    void routerScoresBackward(CudaTensor dlogits, CudaTensor dscores, CudaTensor scores) {
        kernels.start()
                .putTyped(dlogits)
                .put(dscores)
                .put(scores)
                .put(scores.rows())
                .put(scores.columns());
        kernels.runOver("trainSigmoidBackward", (long) scores.rows() * scores.columns());
    }
}
