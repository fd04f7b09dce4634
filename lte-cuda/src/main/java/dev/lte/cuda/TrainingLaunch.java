package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.jspecify.annotations.Nullable;

/**
 * What all operations of training launch kernels with: their arguments, one launch after the other in native memory that is used
 * again, and scratch memory on the device. Not thread-safe; the context must be current.
 */
final class TrainingLaunch implements AutoCloseable {
    private static final int MOST_ARGUMENTS = 40;

    /** Shared memory that every kernel may use without asking for more. */
    private static final int USUAL_SHARED = 48 << 10;

    private static final int MOST_BLOCKS = 4096;

    private final CudaModule module;
    private final CUstream_st stream;
    private final CudaScratch scratch;
    private final LongPointer values = new LongPointer(MOST_ARGUMENTS);
    private final MemorySegment arguments;
    private final PointerPointer<Pointer> addresses = new PointerPointer<>(MOST_ARGUMENTS);
    private int count;

    TrainingLaunch(CudaModule module, CUstream_st stream, CudaScratch scratch) {
        this.module = module;
        this.stream = stream;
        this.scratch = scratch;
        arguments = MemorySegment.ofBuffer(values.asByteBuffer());
        for (int i = 0; i < MOST_ARGUMENTS; i++) {
            addresses.put(i, values.getPointer(i));
        }
    }

    CUstream_st stream() {
        return stream;
    }

    CudaModule module() {
        return module;
    }

    /** Begins the arguments of a launch. */
    TrainingLaunch start() {
        count = 0;
        return this;
    }

    /** A pointer or a 64-bit integer. */
    TrainingLaunch put(long value) {
        arguments.setAtIndex(ValueLayout.JAVA_LONG, count++, value);
        return this;
    }

    TrainingLaunch put(int value) {
        return put((long) value);
    }

    TrainingLaunch put(float value) {
        return put((long) Float.floatToRawIntBits(value));
    }

    /** Address and stride in elements of a plain tensor. */
    TrainingLaunch put(CudaTensor tensor) {
        return put(tensor.address()).put(tensor.stride());
    }

    /** Address, stride and the number of the type; zeros stand for none. */
    TrainingLaunch putTyped(@Nullable CudaTensor tensor) {
        return tensor == null ? put(0L).put(0L).put(0) : put(tensor).put(Segment.code(tensor.dtype()));
    }

    /** Memory until the next operation; see {@link CudaScratch#atLeast}. */
    long scratch(long bytes) {
        return scratch.atLeast(bytes);
    }

    void run(String name, int x, int y, int z, int threads) {
        launch(module.function(name), x, y, z, threads, 0);
    }

    /** @param shared bytes of shared memory beyond what the kernel declares */
    void run(CUfunc_st function, int x, int y, int threads, int shared) {
        if (shared > USUAL_SHARED) {
            check(
                    "cuFuncSetAttribute",
                    cudart.cuFuncSetAttribute(
                            function, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, shared));
        }
        launch(function, x, y, 1, threads, shared);
    }

    private void launch(CUfunc_st function, int x, int y, int z, int threads, int shared) {
        check(
                "cuLaunchKernel",
                cudart.cuLaunchKernel(function, x, y, z, threads, 1, 1, shared, stream, addresses, null));
    }

    /** For kernels whose threads stride over {@code count} pieces of work. */
    void runOver(String name, long count) {
        run(name, Math.clamp((count + 255) / 256, 1, MOST_BLOCKS), 1, 1, 256);
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
        long all = (long) x.rows() * x.columns();
        int bits = Float.floatToRawIntBits(value);
        if (x.dtype() == DType.F32) {
            check(
                    "cuMemset of F32",
                    whole
                            ? cudart.cuMemsetD32Async(x.address(), bits, all, stream)
                            : cudart.cuMemsetD2D32Async(
                                    x.address(), 4 * x.stride(), bits, x.columns(), x.rows(), stream));
        } else {
            short half = (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
            check(
                    "cuMemset of BF16",
                    whole
                            ? cudart.cuMemsetD16Async(x.address(), half, all, stream)
                            : cudart.cuMemsetD2D16Async(
                                    x.address(), 2 * x.stride(), half, x.columns(), x.rows(), stream));
        }
    }

    /** Adds up {@code count} parts, each of {@code rows} rows of {@code columns} F32 in a row, onto {@code to}. */
    void addParts(CudaTensor to, long parts, int count) {
        int rows = to.rows();
        int columns = to.columns();
        start().put(to).put(parts).put((long) rows * columns).put((long) columns);
        put(count).put(rows).put(columns);
        run("trainAddParts", blocks(columns, 32), Math.min(rows, 65_535), 1, 256);
    }

    /** Adds the sums of {@code count} parts of {@code losses} losses onto them. */
    void addLosses(CudaTensor to, long parts, int losses, int count) {
        start().put(to.address()).put(parts).put(count);
        run("trainAddLosses", losses, 1, 1, 1024);
    }

    /** Launches copy their arguments, so nothing refers to them any more. */
    @Override
    public void close() {
        values.close();
        addresses.close();
    }
}
