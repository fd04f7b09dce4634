package dev.lte.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The libraries of CUDA 13 that the bindings are linked with, and where a machine may have them. */
enum CudaLibrary {
    DRIVER("the NVIDIA driver", "libcuda.so.1", "nvcuda.dll"),
    RUNTIME("the CUDA runtime", "libcudart.so.13", "cudart64_13.dll"),
    NVRTC("NVRTC", "libnvrtc.so.13", "nvrtc64_130_0.dll"),
    CUBLAS("cuBLAS", "libcublas.so.13", "cublas64_13.dll");

    private final String title;
    private final String linuxName;
    private final String windowsName;

    CudaLibrary(String title, String linuxName, String windowsName) {
        this.title = title;
        this.linuxName = linuxName;
        this.windowsName = windowsName;
    }

    /** For people, with the name of the file. */
    String description() {
        return title + " (" + fileName() + ")";
    }

    private String fileName() {
        return isWindows() ? windowsName : linuxName;
    }

    private static boolean isWindows() {
        return System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");
    }

    /** Whether the file lies where such files usually lie; loads nothing. */
    boolean isInUsualPlace() {
        return folders().stream().anyMatch(folder -> Files.exists(folder.resolve(fileName())));
    }

    /** Whether the system's linker finds the library. Needs native access, or the JVM prints a warning. */
    @SuppressWarnings("restricted") // the backend runs with native access, or is not chosen
    boolean canBeLoaded() {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup(fileName(), arena);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static List<Path> folders() {
        List<Path> folders = new ArrayList<>();
        if (isWindows()) {
            add(folders, System.getenv("SystemRoot"), "System32");
            add(folders, System.getenv("CUDA_PATH"), "bin");
            add(folders, System.getenv("CUDA_PATH"), "bin/x64");
            return folders;
        }
        add(folders, System.getenv("CUDA_PATH"), "lib64");
        add(folders, System.getenv("CUDA_HOME"), "lib64");
        String searched = System.getenv("LD_LIBRARY_PATH");
        if (searched != null) {
            for (String folder : searched.split(":")) {
                add(folders, folder, "");
            }
        }
        for (String folder : List.of(
                "/usr/local/cuda/lib64",
                "/usr/local/cuda-13.0/lib64",
                "/usr/local/cuda-13.1/lib64",
                "/usr/local/nvidia/lib64",
                "/usr/lib/x86_64-linux-gnu",
                "/usr/lib/aarch64-linux-gnu",
                "/usr/lib64",
                "/usr/lib",
                "/usr/lib/wsl/lib")) {
            folders.add(Path.of(folder));
        }
        return folders;
    }

    private static void add(List<Path> folders, @Nullable String root, String folder) {
        if (root != null && !root.isBlank()) {
            folders.add(Path.of(root, folder));
        }
    }
}
