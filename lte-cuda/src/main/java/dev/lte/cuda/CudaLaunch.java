package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/** Arguments of one kernel launch after the other, in native memory that is used again. Not thread-safe. */
final class CudaLaunch implements AutoCloseable {
    private static final int MOST = 40;

    private final CUstream_st stream;
    private final LongPointer values = new LongPointer(MOST);
    private final PointerPointer<Pointer> addresses = new PointerPointer<>(MOST);
    private int count;

    CudaLaunch(CUstream_st stream) {
        this.stream = stream;
        for (int i = 0; i < MOST; i++) {
            addresses.put(i, values.getPointer(i));
        }
    }

    CUstream_st stream() {
        return stream;
    }

    CudaLaunch start() {
        count = 0;
        return this;
    }

    /** A pointer or a 64-bit integer. */
    CudaLaunch put(long value) {
        values.put(count++, value);
        return this;
    }

    CudaLaunch put(int value) {
        values.put(count++, value);
        return this;
    }

    CudaLaunch put(float value) {
        values.put(count++, Float.floatToRawIntBits(value) & 0xffff_ffffL);
        return this;
    }

    /** Address and stride in elements of a plain tensor. */
    CudaLaunch put(CudaTensor tensor) {
        return put(tensor.address()).put(tensor.stride());
    }

    void run(CUfunc_st function, int x, int y, int z, int threads) {
        check("cuLaunchKernel", cudart.cuLaunchKernel(function, x, y, z, threads, 1, 1, 0, stream, addresses, null));
    }

    /** For kernels whose threads stride over columns and blocks over rows. */
    void runRows(CUfunc_st function, int rows, long columns) {
        int x = (int) Math.min(1024, Math.max(1, (columns + 255) / 256));
        run(function, x, Math.min(rows, 32_768), 1, 256);
    }

    @Override
    public void close() {
        values.close();
        addresses.close();
    }
}
