package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUlaunchAttribute;
import org.bytedeco.cuda.cudart.CUlaunchConfig;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.cudart.CUtensorMap;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * Launches one kernel after the other, with arguments in native memory that is used again. Arguments are either single ones,
 * after {@link #start}, or the fields of one structure in the order of their declaration, after {@link #structure}.
 *
 * <p>A kernel that is launched as a dependent may start while the one before still runs, up to its own wait for it; it must
 * follow a kernel. Not thread-safe.
 */
final class CudaLaunch implements AutoCloseable {
    private static final int MOST = 40;
    private static final int FIELD_BYTES = 512;

    /** What the driver asks of descriptions of tensors. */
    private static final int MAP_ALIGNMENT = 64;

    private final CUstream_st stream;
    private final LongPointer values = new LongPointer(MOST);
    private final PointerPointer<Pointer> addresses = new PointerPointer<>(MOST);
    private final BytePointer memory = new BytePointer(FIELD_BYTES + MAP_ALIGNMENT);
    private final BytePointer fields = memory.getPointer(-memory.address() & (MAP_ALIGNMENT - 1));
    private final PointerPointer<Pointer> structure = new PointerPointer<>(1);
    private final CUlaunchConfig config = new CUlaunchConfig();
    private final CUlaunchAttribute dependent = new CUlaunchAttribute();
    private int count;
    private int at;
    private boolean afterKernel;
    private long launches;

    CudaLaunch(CUstream_st stream) {
        this.stream = stream;
        for (int i = 0; i < MOST; i++) {
            addresses.put(i, values.getPointer(i));
        }
        structure.put(0, fields);
        dependent.id(cudart.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);
        dependent.value().programmaticStreamSerializationAllowed(1);
        config.gridDimZ(1).blockDimY(1).blockDimZ(1).hStream(stream).attrs(dependent);
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

    /** Begins a structure. */
    CudaLaunch structure() {
        at = 0;
        return this;
    }

    /** A field that is a pointer or a 64-bit integer. */
    CudaLaunch field(long value) {
        at = (at + 7) & -8;
        fields.putLong(at, value);
        at += 8;
        return this;
    }

    CudaLaunch field(int value) {
        fields.putInt(at, value);
        at += 4;
        return this;
    }

    CudaLaunch field(float value) {
        fields.putFloat(at, value);
        at += 4;
        return this;
    }

    /** Two fields: address, or 0 for null, and stride in elements. */
    CudaLaunch field(CudaTensor tensor) {
        return field(tensor.address()).field(tensor.stride());
    }

    /** A field for the driver to put the description of a tensor into. */
    CUtensorMap map() {
        at = (at + MAP_ALIGNMENT - 1) & -MAP_ALIGNMENT;
        CUtensorMap map = new CUtensorMap(fields.getPointer(at));
        at += CudaTiles.BYTES;
        return map;
    }

    /** With single arguments; starts when everything before has ended. */
    void run(CUfunc_st function, int x, int y, int z, int threads) {
        check("cuLaunchKernel", cudart.cuLaunchKernel(function, x, y, z, threads, 1, 1, 0, stream, addresses, null));
        afterKernel = true;
        launches++;
    }

    /** With a structure, as a dependent if a kernel went before. */
    void runDependent(CUfunc_st function, int x, int y, int z, int threads, int sharedBytes) {
        config.gridDimX(x).gridDimY(y).gridDimZ(z).blockDimX(threads).sharedMemBytes(sharedBytes);
        runDependent(function, structure);
    }

    /** The same with single arguments. */
    void runDependent(CUfunc_st function, int x, int y, int threads) {
        config.gridDimX(x).gridDimY(y).gridDimZ(1).blockDimX(threads).sharedMemBytes(0);
        runDependent(function, addresses);
    }

    private void runDependent(CUfunc_st function, PointerPointer<Pointer> arguments) {
        config.numAttrs(afterKernel ? 1 : 0);
        check("cuLaunchKernelEx", cudart.cuLaunchKernelEx(config, function, arguments, null));
        afterKernel = true;
        launches++;
    }

    /** Changes with whatever is enqueued. */
    long launches() {
        return launches;
    }

    /** Something else than a kernel went before. */
    void separate() {
        afterKernel = false;
        launches++;
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
        memory.close();
        structure.close();
        config.close();
        dependent.close();
    }
}
