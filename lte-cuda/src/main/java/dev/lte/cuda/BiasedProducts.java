package dev.lte.cuda;

import static dev.lte.cuda.CudaBlas.check;

import dev.lte.backend.DType;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulDescOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulHeuristicResult_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulPreferenceOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatrixLayoutOpaque_t;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.jspecify.annotations.Nullable;

/**
 * BF16 products whose bias is added before they are rounded, in one kernel of cuBLASLt. Which kernel suits a shape is asked once.
 * Not thread-safe; the context must be current.
 */
final class BiasedProducts implements AutoCloseable {
    /** What all addresses and strides are multiples of, or the product is made elsewhere. */
    private static final int ALIGNMENT = 16;

    private final CudaBlas blas;
    private final cublasLtContext handle;
    private final CUstream_st stream;
    private final Map<Shape, Plan> plans = new HashMap<>();
    private final FloatPointer one = new FloatPointer(1f);
    private final FloatPointer zero = new FloatPointer(0f);
    private final LongPointer biasAddress = new LongPointer(1);
    private final CudaBlas.Address a = new CudaBlas.Address();
    private final CudaBlas.Address b = new CudaBlas.Address();
    private final CudaBlas.Address c = new CudaBlas.Address();
    private final CudaBlas.Address workspace = new CudaBlas.Address();

    BiasedProducts(CudaBlas blas, CUstream_st stream) {
        this.blas = blas;
        this.stream = stream;
        handle = new cublasLtContext(blas.handle());
        workspace.set(blas.workspace());
    }

    /** By what plans differ: sizes and strides of {@code out (T, R) = x (T, C) weight^T}. */
    private record Shape(int rows, int columns, int inner, long outStride, long xStride, long weightStride) {}

    /** @param algorithm null if cuBLASLt has none for the shape */
    private record Plan(
            cublasLtMatmulDescOpaque_t operation,
            cublasLtMatrixLayoutOpaque_t weight,
            cublasLtMatrixLayoutOpaque_t x,
            cublasLtMatrixLayoutOpaque_t out,
            @Nullable cublasLtMatmulHeuristicResult_t algorithm) {}

    /** {@code out = x weight^T + bias}, or false, and nothing done, if types or addresses do not allow it. */
    boolean multiply(CudaTensor out, CudaTensor x, CudaTensor weight, CudaTensor bias) {
        boolean fits = out.dtype() == DType.BF16
                && bias.dtype() == DType.BF16
                && x.columns() > 0
                && isAligned(out)
                && isAligned(x)
                && isAligned(weight)
                && bias.address() % ALIGNMENT == 0;
        if (!fits) {
            return false;
        }
        Shape shape = new Shape(out.rows(), out.columns(), x.columns(), out.stride(), x.stride(), weight.stride());
        Plan plan = plans.computeIfAbsent(shape, this::plan);
        cublasLtMatmulHeuristicResult_t algorithm = plan.algorithm();
        if (algorithm == null) {
            return false;
        }
        biasAddress.put(bias.address());
        set(plan.operation(), cublas.CUBLASLT_MATMUL_DESC_BIAS_POINTER, biasAddress, Long.BYTES);
        c.set(out.address());
        check(
                "cublasLtMatmul",
                cublas.cublasLtMatmul(
                        handle,
                        plan.operation(),
                        one,
                        a.set(weight.address()),
                        plan.weight(),
                        b.set(x.address()),
                        plan.x(),
                        zero,
                        c,
                        plan.out(),
                        c,
                        plan.out(),
                        algorithm.algo(),
                        workspace,
                        CudaBlas.WORKSPACE,
                        stream));
        return true;
    }

    private static boolean isAligned(CudaTensor tensor) {
        return tensor.dtype() == DType.BF16
                && tensor.address() % ALIGNMENT == 0
                && tensor.stride() * Short.BYTES % ALIGNMENT == 0;
    }

    private Plan plan(Shape shape) {
        try (PointerPointer<Pointer> made = new PointerPointer<>(1);
                IntPointer integer = new IntPointer(1)) {
            check(
                    "cublasLtMatmulDescCreate",
                    cublas.cublasLtMatmulDescCreate(made, cublas.CUBLAS_COMPUTE_32F, cudart.CUDA_R_32F));
            cublasLtMatmulDescOpaque_t operation = new cublasLtMatmulDescOpaque_t(made.get(0));
            integer.put(cublas.CUBLAS_OP_T);
            set(operation, cublas.CUBLASLT_MATMUL_DESC_TRANSA, integer, Integer.BYTES);
            integer.put(cublas.CUBLASLT_EPILOGUE_BIAS);
            set(operation, cublas.CUBLASLT_MATMUL_DESC_EPILOGUE, integer, Integer.BYTES);
            cublasLtMatrixLayoutOpaque_t weight = layout(made, shape.inner(), shape.columns(), shape.weightStride());
            cublasLtMatrixLayoutOpaque_t x = layout(made, shape.inner(), shape.rows(), shape.xStride());
            cublasLtMatrixLayoutOpaque_t out = layout(made, shape.columns(), shape.rows(), shape.outStride());
            return new Plan(operation, weight, x, out, algorithm(made, integer, operation, weight, x, out));
        }
    }

    private static cublasLtMatrixLayoutOpaque_t layout(
            PointerPointer<Pointer> made, int rows, int columns, long stride) {
        check(
                "cublasLtMatrixLayoutCreate",
                cublas.cublasLtMatrixLayoutCreate(made, cudart.CUDA_R_16BF, rows, columns, stride));
        return new cublasLtMatrixLayoutOpaque_t(made.get(0));
    }

    private @Nullable cublasLtMatmulHeuristicResult_t algorithm(
            PointerPointer<Pointer> made,
            IntPointer integer,
            cublasLtMatmulDescOpaque_t operation,
            cublasLtMatrixLayoutOpaque_t weight,
            cublasLtMatrixLayoutOpaque_t x,
            cublasLtMatrixLayoutOpaque_t out) {
        check("cublasLtMatmulPreferenceCreate", cublas.cublasLtMatmulPreferenceCreate(made));
        cublasLtMatmulPreferenceOpaque_t preference = new cublasLtMatmulPreferenceOpaque_t(made.get(0));
        try (LongPointer bytes = new LongPointer(1)) {
            bytes.put(CudaBlas.WORKSPACE);
            prefer(preference, cublas.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, bytes, Long.BYTES);
            // Parts of sums must not be rounded to BF16.
            integer.put(cublas.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
            prefer(preference, cublas.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, integer, Integer.BYTES);
            integer.put(ALIGNMENT);
            for (int attribute : new int[] {
                cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES
            }) {
                prefer(preference, attribute, integer, Integer.BYTES);
            }
            cublasLtMatmulHeuristicResult_t result = new cublasLtMatmulHeuristicResult_t();
            int[] found = new int[1];
            int status = cublas.cublasLtMatmulAlgoGetHeuristic(
                    handle, operation, weight, x, out, out, preference, 1, result, found);
            return status == cublas.CUBLAS_STATUS_SUCCESS && found[0] > 0 ? result : null;
        } finally {
            cublas.cublasLtMatmulPreferenceDestroy(preference);
        }
    }

    private static void set(cublasLtMatmulDescOpaque_t operation, int attribute, Pointer value, int bytes) {
        check(
                "cublasLtMatmulDescSetAttribute",
                cublas.cublasLtMatmulDescSetAttribute(operation, attribute, value, bytes));
    }

    private static void prefer(cublasLtMatmulPreferenceOpaque_t preference, int attribute, Pointer value, int bytes) {
        check(
                "cublasLtMatmulPreferenceSetAttribute",
                cublas.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, bytes));
    }

    @Override
    public void close() {
        for (Plan plan : plans.values()) {
            check("cublasLtMatmulDescDestroy", cublas.cublasLtMatmulDescDestroy(plan.operation()));
            for (cublasLtMatrixLayoutOpaque_t layout :
                    new cublasLtMatrixLayoutOpaque_t[] {plan.weight(), plan.x(), plan.out()}) {
                check("cublasLtMatrixLayoutDestroy", cublas.cublasLtMatrixLayoutDestroy(layout));
            }
        }
        plans.clear();
        one.close();
        zero.close();
        biasAddress.close();
    }
}
