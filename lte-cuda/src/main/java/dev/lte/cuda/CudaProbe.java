package dev.lte.cuda;

import dev.lte.backend.Availability;
import dev.lte.backend.Availability.Unavailable;

/**
 * Looks for what the backend needs, one thing after the other, and names the first that is missing. The bindings are touched
 * only when all libraries are there, and no native library without the JVM's leave: elsewhere it would print a warning.
 */
final class CudaProbe {
    private static final String INSTALL =
            "install CUDA 13 (driver 580 or later) and make its libraries findable, on Linux "
                    + "by LD_LIBRARY_PATH or ldconfig";

    private CudaProbe() {}

    static Availability probe(int device) {
        if (!CudaLibrary.DRIVER.isInUsualPlace()) {
            return new Unavailable(
                    CudaLibrary.DRIVER.description() + " is not installed",
                    "use a machine with an NVIDIA GPU; " + INSTALL,
                    true);
        }
        if (!CudaProbe.class.getModule().isNativeAccessEnabled()) {
            String module = CudaProbe.class.getModule().isNamed() ? "dev.lte.cuda,org.bytedeco.javacpp" : "ALL-UNNAMED";
            return new Unavailable(
                    "native access is not enabled", "start java with --enable-native-access=" + module, false);
        }
        for (CudaLibrary library : CudaLibrary.values()) {
            if (!library.canBeLoaded() && !library.isInUsualPlace()) {
                return new Unavailable(library.description() + " is not found", INSTALL, true);
            }
        }
        try {
            return CudaDevices.probe(device);
        } catch (LinkageError e) {
            return new Unavailable(
                    "the CUDA bindings cannot be loaded: " + e.getMessage(),
                    "add org.bytedeco:cuda with the classifier of this platform; " + INSTALL,
                    false);
        }
    }
}
