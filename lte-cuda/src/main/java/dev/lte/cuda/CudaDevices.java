package dev.lte.cuda;

import dev.lte.backend.Availability;
import dev.lte.backend.Availability.Unavailable;
import dev.lte.backend.DeviceInfo;
import java.nio.charset.StandardCharsets;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.SizeTPointer;

/** Asks the driver which devices there are. Loading this class loads the bindings. */
final class CudaDevices {
    /** CUDA 13.0, as the driver counts. */
    private static final int NEEDED_VERSION = 13_000;

    /** Turing, the oldest architecture that CUDA 13 compiles for. */
    private static final int NEEDED_CAPABILITY = 75;

    /** Enough rows for full speed, few enough that a pass takes a fraction of a second; fewer where memory is short. */
    private static final int PROMPT_ROWS = 2048;

    private static final int FEWER_PROMPT_ROWS = 512;
    private static final long AMPLE_MEMORY = 20L << 30;

    private static final int NAME_BYTES = 256;

    private CudaDevices() {}

    static Availability probe(int index) {
        int[] value = new int[1];
        int status = cudart.cuInit(0);
        if (status == cudart.CUDA_ERROR_NO_DEVICE) {
            return new Unavailable("there is no CUDA device", "use a machine with an NVIDIA GPU", true);
        }
        if (status != cudart.CUDA_SUCCESS) {
            return failed("cuInit", status);
        }
        status = cudart.cuDriverGetVersion(value);
        if (status != cudart.CUDA_SUCCESS) {
            return failed("cuDriverGetVersion", status);
        }
        if (value[0] < NEEDED_VERSION) {
            return new Unavailable(
                    "the NVIDIA driver is for CUDA " + value[0] / 1000 + "." + value[0] % 1000 / 10
                            + ", CUDA 13.0 is needed",
                    "install driver 580 or later",
                    false);
        }
        status = cudart.cuDeviceGetCount(value);
        if (status != cudart.CUDA_SUCCESS) {
            return failed("cuDeviceGetCount", status);
        }
        if (index >= value[0]) {
            return new Unavailable(
                    "there is no CUDA device " + index + ", there are " + value[0],
                    "name a device below " + value[0],
                    value[0] == 0);
        }
        return describe(index);
    }

    private static Availability describe(int index) {
        int[] device = new int[1];
        int[] major = new int[1];
        int[] minor = new int[1];
        try (BytePointer name = new BytePointer(NAME_BYTES);
                SizeTPointer memory = new SizeTPointer(1)) {
            int status = cudart.cuDeviceGet(device, index);
            if (status == cudart.CUDA_SUCCESS) {
                status = cudart.cuDeviceGetName(name, NAME_BYTES, device[0]);
            }
            if (status == cudart.CUDA_SUCCESS) {
                status = cudart.cuDeviceGetAttribute(
                        major, cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device[0]);
            }
            if (status == cudart.CUDA_SUCCESS) {
                status = cudart.cuDeviceGetAttribute(
                        minor, cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device[0]);
            }
            if (status == cudart.CUDA_SUCCESS) {
                status = cudart.cuDeviceTotalMem(memory, device[0]);
            }
            if (status != cudart.CUDA_SUCCESS) {
                return failed("describing device " + index, status);
            }
            int capability = 10 * major[0] + minor[0];
            String title = text(name) + ", sm_" + capability + ", " + (memory.get() >> 30) + " GiB";
            if (capability < NEEDED_CAPABILITY) {
                return new Unavailable(
                        title + " is too old, sm_" + NEEDED_CAPABILITY + " is needed", "use a newer GPU", true);
            }
            return new Availability.Available(new DeviceInfo(
                    title, 1, memory.get(), memory.get() >= AMPLE_MEMORY ? PROMPT_ROWS : FEWER_PROMPT_ROWS));
        }
    }

    private static String text(BytePointer pointer) {
        byte[] bytes = new byte[NAME_BYTES];
        pointer.get(bytes);
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    private static Unavailable failed(String call, int status) {
        return new Unavailable(
                call + " failed with CUDA error " + status,
                "check that nvidia-smi works on this machine, and that this user may use the device",
                false);
    }
}
