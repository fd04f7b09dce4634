package dev.lte.cuda;

import dev.lte.backend.DType;
import org.bytedeco.cuda.cublas.cublasContext;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Products of plain matrices by cuBLAS on one stream, with a workspace of their own, so that they can be recorded and the same
 * calls give the same bits. F32 stays F32; BF16 is summed in F32. Not thread-safe; the context must be current.
 */
final class CudaBlas implements AutoCloseable {
    /** What cuBLAS recommends for Hopper. */
    static final long WORKSPACE = 32L << 20;

    private final cublasContext handle = new cublasContext();
    private final CudaMemory memory;
    private final long workspace;
    private final FloatPointer one = new FloatPointer(1f);
    private final FloatPointer factor = new FloatPointer(1f);
    private final Address a = new Address();
    private final Address b = new Address();
    private final Address c = new Address();

    CudaBlas(CudaMemory memory, CUstream_st stream) {
        this.memory = memory;
        CudaContext.aloneInContext(() -> check("cublasCreate", cublas.cublasCreate_v2(handle)));
        workspace = memory.allocate("workspace of cuBLAS", WORKSPACE);
        check("cublasSetStream", cublas.cublasSetStream_v2(handle, stream));
        a.set(workspace);
        // Otherwise long sums are cut into parts that are rounded to BF16 before they are added up.
        check(
                "cublasSetMathMode",
                cublas.cublasSetMathMode(handle, cublas.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
        check("cublasSetWorkspace", cublas.cublasSetWorkspace_v2(handle, a, WORKSPACE));
    }

    cublasContext handle() {
        return handle;
    }

    long workspace() {
        return workspace;
    }

    /** Device memory for a call of the bindings. */
    static final class Address extends Pointer {
        Address set(long address) {
            this.address = address;
            return this;
        }
    }

    /** Which factors are transposed. */
    enum Form {
        /** {@code out (M, N) = x (M, K) y^T}, y (N, K). */
        ROWS_BY_ROWS(cublas.CUBLAS_OP_T, cublas.CUBLAS_OP_N),
        /** {@code out (M, N) = x (M, K) y}, y (K, N). */
        ROWS_BY_COLUMNS(cublas.CUBLAS_OP_N, cublas.CUBLAS_OP_N),
        /** {@code out (M, N) = x^T y}, x (K, M), y (K, N). */
        COLUMNS_BY_COLUMNS(cublas.CUBLAS_OP_N, cublas.CUBLAS_OP_T);

        private final int second;
        private final int first;

        Form(int second, int first) {
            this.second = second;
            this.first = first;
        }
    }

    /**
     * A product, whose rows are what cuBLAS calls columns. x and y share their type; {@code inner}, K, is at least 1.
     *
     * @param add whether the product is added to {@code out}
     */
    void multiply(Form form, CudaTensor out, CudaTensor x, CudaTensor y, int inner, boolean add) {
        multiply(form, out.address(), out.stride(), out.dtype(), out.rows(), out.columns(), x, y, inner, add);
    }

    /** As above, into memory of any kind. */
    void multiply(
            Form form,
            long out,
            long outStride,
            DType outType,
            int rows,
            int columns,
            CudaTensor x,
            CudaTensor y,
            int inner,
            boolean add) {
        factor.put(add ? 1f : 0f);
        int type = type(x.dtype());
        check(
                "cublasGemmEx",
                cublas.cublasGemmEx(
                        handle,
                        form.second,
                        form.first,
                        columns,
                        rows,
                        inner,
                        one,
                        a.set(y.address()),
                        type,
                        Math.toIntExact(y.stride()),
                        b.set(x.address()),
                        type,
                        Math.toIntExact(x.stride()),
                        factor,
                        c.set(out),
                        type(outType),
                        Math.toIntExact(outStride),
                        cublas.CUBLAS_COMPUTE_32F,
                        cublas.CUBLAS_GEMM_DEFAULT));
    }

    static int type(DType dtype) {
        return switch (dtype) {
            case F32 -> cudart.CUDA_R_32F;
            case BF16 -> cudart.CUDA_R_16BF;
            default -> throw new IllegalArgumentException("expected F32 or BF16, found " + dtype);
        };
    }

    static void check(String call, int status) {
        if (status != cublas.CUBLAS_STATUS_SUCCESS) {
            BytePointer text = cublas.cublasGetStatusString(status);
            throw new IllegalStateException(
                    call + " failed with cuBLAS error " + status + (text == null ? "" : ": " + text.getString()));
        }
    }

    /** The stream must have run. */
    @Override
    public void close() {
        CudaContext.aloneInContext(() -> check("cublasDestroy", cublas.cublasDestroy_v2(handle)));
        memory.free(workspace);
        one.close();
        factor.close();
    }
}
