package dev.lte.cuda;

import java.util.Objects;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;

/** Turns status codes of the driver into exceptions. */
final class CudaCheck {
    private CudaCheck() {}

    /**
     * @throws IllegalStateException naming the call, the code and the driver's text unless {@code status} is success
     */
    static void check(String call, int status) {
        if (status != cudart.CUDA_SUCCESS) {
            throw new IllegalStateException(call + " failed with CUDA error " + status + ": " + text(status));
        }
    }

    private static String text(int status) {
        try (PointerPointer<BytePointer> pointer = new PointerPointer<>(1)) {
            cudart.cuGetErrorString(status, pointer);
            BytePointer text = pointer.get(BytePointer.class, 0);
            return Objects.requireNonNullElse(text == null ? null : text.getString(), "unknown");
        }
    }
}
