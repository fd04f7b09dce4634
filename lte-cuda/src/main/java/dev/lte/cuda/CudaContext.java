package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.global.cudart;

/** The primary context of a device, retained once per backend. It must be current on every thread that calls the driver. */
final class CudaContext implements AutoCloseable {
    /**
     * Backends of one process share the driver's context. A capture of one breaks when another makes the context wait, as cuBLAS does
     * when it begins and when it ends; captures do not disturb each other.
     */
    private static final ReentrantReadWriteLock CAPTURES = new ReentrantReadWriteLock();

    private final int device;
    private final CUctx_st context = new CUctx_st();

    CudaContext(int index) {
        int[] found = new int[1];
        check("cuInit", cudart.cuInit(0));
        check("cuDeviceGet", cudart.cuDeviceGet(found, index));
        device = found[0];
        check("cuDevicePrimaryCtxRetain", cudart.cuDevicePrimaryCtxRetain(context, device));
        enter();
    }

    /** Makes the context current on this thread. */
    void enter() {
        check("cuCtxSetCurrent", cudart.cuCtxSetCurrent(context));
    }

    /** Held by a thread while its stream is captured. */
    static Lock captures() {
        return CAPTURES.readLock();
    }

    /**
     * Runs what makes the whole context wait, while nobody captures.
     *
     * @throws IllegalStateException within a capture
     */
    static void aloneInContext(Runnable action) {
        if (CAPTURES.getReadHoldCount() > 0) {
            throw new IllegalStateException("this must be made before a recording begins");
        }
        CAPTURES.writeLock().lock();
        try {
            action.run();
        } finally {
            CAPTURES.writeLock().unlock();
        }
    }

    /** The architecture, such as 90 for sm_90. */
    int architecture() {
        int major = attribute(cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
        return 10 * major + attribute(cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    }

    int multiprocessors() {
        return attribute(cudart.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    }

    /** Bytes of shared memory that the blocks of a multiprocessor share. */
    int sharedBytes() {
        return attribute(cudart.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR);
    }

    private int attribute(int which) {
        int[] value = new int[1];
        check("cuDeviceGetAttribute", cudart.cuDeviceGetAttribute(value, which, device));
        return value[0];
    }

    @Override
    public void close() {
        check("cuDevicePrimaryCtxRelease", cudart.cuDevicePrimaryCtxRelease(device));
    }
}
