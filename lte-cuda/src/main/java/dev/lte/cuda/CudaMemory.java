package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import dev.lte.backend.OutOfDeviceMemoryException;
import java.util.HashSet;
import java.util.Set;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.SizeTPointer;

/** Device memory of one backend. Thread-safe; the context must be current. */
final class CudaMemory {
    private final Set<Long> addresses = new HashSet<>();

    /**
     * @param what for the exception
     * @return the address of at least {@code bytes} bytes, aligned to 256
     * @throws OutOfDeviceMemoryException with the bytes needed and available
     */
    synchronized long allocate(String what, long bytes) {
        long[] address = new long[1];
        int status = cudart.cuMemAlloc(address, Math.max(bytes, 256));
        if (status == cudart.CUDA_ERROR_OUT_OF_MEMORY || status == cudart.CUDA_ERROR_INVALID_VALUE) {
            throw new OutOfDeviceMemoryException(what, bytes, available());
        }
        check("cuMemAlloc", status);
        addresses.add(address[0]);
        return address[0];
    }

    private static long available() {
        try (SizeTPointer free = new SizeTPointer(1);
                SizeTPointer total = new SizeTPointer(1)) {
            check("cuMemGetInfo", cudart.cuMemGetInfo(free, total));
            return free.get();
        }
    }

    /** Nothing may use the memory any more. */
    synchronized void free(long address) {
        if (addresses.remove(address)) {
            check("cuMemFree", cudart.cuMemFree(address));
        }
    }

    synchronized void freeAll() {
        for (long address : addresses) {
            check("cuMemFree", cudart.cuMemFree(address));
        }
        addresses.clear();
    }
}
