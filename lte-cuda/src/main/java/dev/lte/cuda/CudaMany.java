package dev.lte.cuda;

import dev.lte.backend.DType;
import dev.lte.backend.FfnSpec;
import dev.lte.cuda.CudaBlas.Form;
import java.util.List;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.jspecify.annotations.Nullable;

/**
 * Products of many rows, by cuBLAS or, those of feed-forward blocks, by {@link CudaGemm}: F32 weights meet F32 activations, all
 * others meet activations rounded to BF16, and are rounded to BF16 themselves if they have another type.
 */
final class CudaMany {
    /** Rows from which BF16 weights are multiplied here. */
    static final int ROWS = 5;

    /** Rows from which weights that must be decoded first are. */
    static final int DECODED_ROWS = 48;

    /** Rows from which those of F32 are. */
    private static final int FLOAT_ROWS = 16;

    /** Rows up to which the down projection is read as it lies. */
    private static final int DOWN_ROWS = 64;

    /** Bytes that a decoded part of a weight, or the products between two projections, take at a time, about. */
    private static final long PART_BYTES = 256L << 20;

    private final CudaModule module;
    private final CudaLaunch launch;
    private final CudaScratch scratch;
    private final CudaNorms norms;
    private final CudaRounded rounded;
    private final CudaMemory memory;
    private final CUstream_st stream;
    private final boolean modern;
    private final CudaStorage borrowed;
    private final CudaGemm gemm;
    private @Nullable CudaBlas blas;

    CudaMany(CudaBackend backend, CudaLaunch launch, CudaScratch scratch, CudaNorms norms, CudaRounded rounded) {
        this.rounded = rounded;
        this.norms = norms;
        module = backend.module();
        this.launch = launch;
        this.scratch = scratch;
        memory = backend.memory();
        stream = launch.stream();
        modern = backend.context().architecture() >= 80;
        borrowed = new CudaStorage(backend, false);
        gemm = new CudaGemm(module, launch, backend.context());
    }

    /** Makes what cannot be made within a recording. */
    void prepare() {
        blas();
    }

    private CudaBlas blas() {
        CudaBlas made = blas;
        if (made == null) {
            made = new CudaBlas(memory, stream);
            blas = made;
        }
        return made;
    }

    /** Whether a product of so many rows belongs here. */
    boolean takes(DType weight, int rows, int columns) {
        int least = switch (weight) {
            case BF16 -> ROWS;
            case F32 -> FLOAT_ROWS;
            default -> DECODED_ROWS;
        };
        return modern && rows >= least && columns >= 1;
    }

    /**
     * {@code out = x segment^T + bias} and so on as {@code mode} says.
     *
     * @param bias address, or 0
     * @param norm that makes x, or null if x is there
     */
    void linear(CudaTensor out, CudaTensor x, Segment segment, long bias, int mode, Deferred.@Nullable Norm norm) {
        int columns = x.columns();
        boolean add = (mode & CudaProducts.ADD) != 0;
        if (segment.dtype() == DType.F32) {
            if (norm != null) {
                norms.run(norm);
            }
            multiply(out, x, matrix(segment, columns), columns, add);
        } else if (segment.dtype() == DType.BF16) {
            CudaTensor in = round(scratch.atLeast(roundedBytes(x)), x, norm);
            multiply(out, in, matrix(segment, columns), columns, add);
        } else {
            int pitch = pitch(columns);
            int part = Math.clamp(PART_BYTES / (2L * pitch), 1, segment.rows());
            long at = scratch.atLeast(roundedBytes(x) + 2L * part * pitch);
            CudaTensor in = round(at, x, norm);
            for (int first = 0; first < segment.rows(); first += part) {
                int end = Math.min(first + part, segment.rows());
                CudaTensor weight = plain(at + roundedBytes(x), end - first, columns, pitch);
                decode(weight, segment, first, 0, 0);
                multiply(out.columnRange(first, end), in, weight, columns, add);
            }
        }
        if (bias != 0 || (mode & CudaProducts.SIGMOID) != 0) {
            launch.start().put(out).put(bias).put(out.rows()).put(out.columns()).put(mode);
            launch.runRows(module.function("finishRows"), out.rows(), out.columns());
        }
    }

    /** Whether a feed-forward block belongs here. */
    boolean takes(CudaFfn ffn, int rows) {
        DType inner = ffn.inner().dtype();
        DType outer = ffn.outer().dtype();
        boolean asItIs =
                inner == DType.BF16 && outer == DType.BF16 && ffn.spec().expertSize() % 32 == 0;
        return modern
                && ffn.padded() == ffn.spec().expertSize()
                && inner != DType.F32
                && outer != DType.F32
                && rows >= (asItIs ? ROWS : DECODED_ROWS);
    }

    /**
     * A block, all experts of it or those of a selection.
     *
     * @param y as {@code mode} says set, or added to
     * @param norm that makes x, or null if x is there
     */
    void ffn(
            CudaTensor y,
            CudaTensor x,
            CudaFfn ffn,
            @Nullable CudaTensor experts,
            @Nullable CudaTensor counts,
            int mode,
            Deferred.@Nullable Norm norm) {
        FfnSpec spec = ffn.spec();
        int rows = y.rows();
        int model = spec.model();
        int width = spec.neurons();
        int perNeuron = spec.gated() ? 2 : 1;
        Segment inner = ffn.inner();
        Segment outer = ffn.outer();
        boolean few = rows <= DOWN_ROWS && outer.dtype() == DType.BF16 && spec.expertSize() % 32 == 0;
        boolean asItLies = few || gemm.takesDown(y, ffn);
        boolean together =
                gemm.takesNeurons(spec, inner.rows(), rows) && (inner.dtype() != DType.BF16 || inner.isAligned());
        int part = Math.clamp(PART_BYTES / (2L * width * (together ? 1 : perNeuron)), 1, rows);
        int innerPitch = pitch(model);
        long roundedBytes = roundedBytes(x);
        long activeBytes = align((long) rows * spec.experts());
        long hiddenBytes = align(2L * part * width);
        long productBytes = together ? 0 : perNeuron * hiddenBytes;
        long innerBytes = inner.dtype() == DType.BF16 ? 0 : align(2L * inner.rows() * innerPitch);
        long outerBytes = asItLies ? 0 : align(2L * model * width);
        long base = scratch.atLeast(roundedBytes + activeBytes + hiddenBytes + productBytes + innerBytes + outerBytes);
        long active = base + roundedBytes;
        long hidden = active + activeBytes;
        long products = hidden + hiddenBytes;
        CudaTensor in = round(base, x, norm);
        CudaTensor innerMatrix = matrix(inner, model);
        if (innerBytes > 0) {
            innerMatrix = plain(products + productBytes, inner.rows(), model, innerPitch);
            decode(innerMatrix, inner, 0, 0, 0);
        }
        CudaTensor outerMatrix = null;
        if (!asItLies) {
            outerMatrix = plain(products + productBytes + innerBytes, model, width, width);
            join(outerMatrix, outer, spec);
        }
        boolean routed = experts != null && counts != null;
        if (experts != null && counts != null) {
            launch.start().put(active).put(experts).put(counts).put(spec.experts());
            launch.run(module.function("markExperts"), rows, 1, 1, 256);
        }
        for (int first = 0; first < rows; first += part) {
            int count = Math.min(part, rows - first);
            CudaTensor out = y.rowRange(first, first + count);
            CudaTensor some = in.rowRange(first, first + count);
            long mask = routed ? active + (long) first * spec.experts() : 0;
            if (together) {
                gemm.neurons(hidden, some, spec, innerMatrix.segments().getFirst(), ffn.upBias(), mask);
            } else {
                multiply(plain(products, count, width * perNeuron, width * perNeuron), some, innerMatrix, model, false);
                launch.start().put(hidden).put(products).put(ffn.upBias()).put(mask);
                launch.put(count).put(width).put(spec.expertSize()).put(spec.experts());
                launch.put(perNeuron - 1).put(spec.activation().ordinal());
                int each = spec.expertSize() % 8 == 0 ? 8 : 1;
                launch.runRows(module.function("neurons_" + each), count, width / each);
            }
            down(out, plain(hidden, count, width, width), ffn, outerMatrix, few, mode);
        }
    }

    /** Makes a plain matrix (D, F) of a down projection. */
    private void join(CudaTensor to, Segment outer, FfnSpec spec) {
        if (outer.dtype() != DType.BF16 || spec.expertSize() % 8 != 0) {
            decode(to, outer, 0, spec.model(), spec.expertSize());
            return;
        }
        int each = Math.clamp(512 / spec.expertSize(), 1, spec.experts());
        launch.start().put(to).put(outer.address()).put(outer.stride());
        launch.put(spec.model()).put(spec.neurons()).put(spec.expertSize()).put(each);
        launch.run(
                module.function("joinExperts"),
                Math.ceilDiv(spec.experts(), each),
                Math.ceilDiv(spec.model(), 32),
                1,
                256);
    }

    /** @param joined what {@link #join} made, or null if the weight is read as it lies */
    private void down(
            CudaTensor out, CudaTensor hidden, CudaFfn ffn, @Nullable CudaTensor joined, boolean few, int mode) {
        FfnSpec spec = ffn.spec();
        int count = out.rows();
        if (few) {
            launch.start().put(out).put(hidden.address());
            launch.put(ffn.outer().address()).put(ffn.outer().stride());
            launch.put(ffn.downBias()).put(count).put(spec.model()).put(spec.neurons());
            launch.put(spec.expertSize()).put(mode);
            int tiles = count <= 8 ? 1 : count <= 16 ? 2 : count <= 32 ? 4 : 8;
            launch.run(module.function("downMany_" + tiles), Math.ceilDiv(spec.model(), 32), 1, 1, 256);
            return;
        }
        if (joined == null) {
            gemm.down(out, hidden, ffn, mode);
            return;
        }
        multiply(out, hidden, joined, spec.neurons(), (mode & CudaProducts.ADD) != 0);
        if (ffn.downBias() != 0) {
            launch.start().put(out).put(ffn.downBias()).put(count).put(spec.model());
            launch.put(0);
            launch.runRows(module.function("finishRows"), count, spec.model());
        }
    }

    private void multiply(CudaTensor out, CudaTensor x, CudaTensor weight, int inner, boolean add) {
        launch.separate();
        blas().multiply(Form.ROWS_BY_ROWS, out, x, weight, inner, add);
        launch.separate();
    }

    private CudaTensor round(long to, CudaTensor x, Deferred.@Nullable Norm norm) {
        int pitch = pitch(x.columns());
        if (norm != null && pitch == x.columns()) {
            norms.run(norm, to, pitch);
            return plain(to, x.rows(), x.columns(), pitch);
        }
        if (norm == null && rounded.holds(x, to, launch.launches())) {
            return plain(to, x.rows(), x.columns(), pitch);
        }
        if (norm != null) {
            norms.run(norm);
        }
        launch.start().put(to).put((long) pitch).put(x).put(x.rows()).put(x.columns());
        launch.runRows(module.function("roundRows"), x.rows(), pitch / 8);
        return plain(to, x.rows(), x.columns(), pitch);
    }

    private void decode(CudaTensor to, Segment segment, int first, int outputs, int expertSize) {
        launch.start().put(to).put(segment.address()).put(segment.scales()).put(segment.stride());
        launch.put(segment.code()).put((long) first).put(to.rows()).put(to.columns());
        launch.put(outputs).put(expertSize);
        launch.runRows(module.function("decodeRows"), to.rows(), to.columns());
    }

    /** Of rows without gaps, but for those up to a multiple of 8 columns. */
    static long roundedBytes(CudaTensor x) {
        return align(2L * x.rows() * pitch(x.columns()));
    }

    private static int pitch(int columns) {
        return (columns + 7) / 8 * 8;
    }

    private static long align(long bytes) {
        return (bytes + 255) / 256 * 256;
    }

    /** A plain segment as a tensor that owns nothing. */
    private CudaTensor matrix(Segment segment, int columns) {
        return new CudaTensor(borrowed, segment.dtype(), segment.rows(), columns, List.of(segment));
    }

    private CudaTensor plain(long address, int rows, int columns, int pitch) {
        return matrix(new Segment(DType.BF16, rows, address, 0, 2L * pitch), columns);
    }

    /** The stream must have run. */
    void close() {
        if (blas != null) {
            blas.close();
        }
    }
}
