package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import dev.lte.backend.DType;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.jspecify.annotations.Nullable;

/** What all operations of training launch kernels with. Not thread-safe; the context must be current. */
final class TrainingLaunch {
    /** Shared memory that every kernel may use without asking for more. */
    private static final int USUAL_SHARED = 48 << 10;

    private static final int MOST_BLOCKS = 4096;

    private final CudaModule module;
    private final CudaLaunch launch;
    private final CudaScratch scratch;

    TrainingLaunch(CudaModule module, CudaLaunch launch, CudaScratch scratch) {
        this.module = module;
        this.launch = launch;
        this.scratch = scratch;
    }

    CUstream_st stream() {
        return launch.stream();
    }

    CudaModule module() {
        return module;
    }

    CudaLaunch start() {
        return launch.start();
    }

    /** Further arguments of the launch begun by {@link #start}. */
    CudaLaunch more() {
        return launch;
    }

    /** Memory until the next operation; see {@link CudaScratch#atLeast}. */
    long scratch(long bytes) {
        return scratch.atLeast(bytes);
    }

    void run(String name, int x, int y, int z, int threads) {
        launch.run(module.function(name), x, y, z, threads);
    }

    void run(CUfunc_st function, int x, int y, int threads, int shared) {
        if (shared > USUAL_SHARED) {
            check(
                    "cuFuncSetAttribute",
                    cudart.cuFuncSetAttribute(
                            function, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, shared));
        }
        launch.run(function, x, y, 1, threads, shared);
    }

    /** For kernels whose threads stride over {@code count} pieces of work. */
    void runOver(String name, long count) {
        run(name, (int) Math.clamp((count + 255) / 256, 1, MOST_BLOCKS), 1, 1, 256);
    }

    /** 4 if all matrices can be taken four columns at a time, 1 otherwise; null stands for none. */
    static int width(int columns, @Nullable CudaTensor... tensors) {
        for (CudaTensor tensor : tensors) {
            if (tensor != null && !aligned(tensor, 4)) {
                return 1;
            }
        }
        return columns % 4 == 0 ? 4 : 1;
    }

    /** Whether {@code count} elements from every multiple of {@code count} on can be loaded at once. */
    static boolean aligned(CudaTensor tensor, int count) {
        int bytes = count * (tensor.dtype() == DType.F32 ? 4 : 2);
        return tensor.address() % Math.min(bytes, 16) == 0 && tensor.stride() % count == 0;
    }

    static int blocks(long count, int each) {
        return Math.toIntExact((count + each - 1) / each);
    }

    /** Sets every element. */
    void fill(CudaTensor x, float value) {
        boolean whole = x.stride() == x.columns() || x.rows() == 1;
        long count = (long) x.rows() * x.columns();
        int bits = Float.floatToRawIntBits(value);
        CUstream_st stream = launch.stream();
        if (x.dtype() == DType.F32) {
            check(
                    "cuMemset of F32",
                    whole
                            ? cudart.cuMemsetD32Async(x.address(), bits, count, stream)
                            : cudart.cuMemsetD2D32Async(
                                    x.address(), 4 * x.stride(), bits, x.columns(), x.rows(), stream));
        } else {
            short half = (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
            check(
                    "cuMemset of BF16",
                    whole
                            ? cudart.cuMemsetD16Async(x.address(), half, count, stream)
                            : cudart.cuMemsetD2D16Async(
                                    x.address(), 2 * x.stride(), half, x.columns(), x.rows(), stream));
        }
    }

    /** Adds up {@code count} parts, each of {@code rows} rows of {@code columns} F32 in a row, onto {@code to}. */
    void addParts(CudaTensor to, long parts, int count) {
        int rows = to.rows();
        int columns = to.columns();
        launch.start().put(to).put(parts).put((long) rows * columns).put((long) columns);
        launch.put(count).put(rows).put(columns);
        run("trainAddParts", blocks(columns, 32), Math.min(rows, 65_535), 1, 256);
    }

    /** Adds the sums of {@code count} parts of {@code losses} losses onto them. */
    void addLosses(CudaTensor to, long parts, int losses, int count) {
        launch.start().put(to.address()).put(parts).put(count);
        run("trainAddLosses", losses, 1, 1, 1024);
    }
}
