package dev.lte.cuda;

import dev.lte.backend.DType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.jspecify.annotations.Nullable;

/**
 * Compiles kernel files for an architecture. Results are kept in the user's cache folder under the hash of all that decides
 * them, preceded by their own hash, so that a damaged entry is noticed and made again. Thread-safe.
 */
final class CudaCompiler {
    private static final Logger LOG = System.getLogger(CudaCompiler.class.getName());
    private static final int HASH_BYTES = 32;
    private static final Pattern INCLUDE = Pattern.compile("(?m)^#include \"([a-z]+\\.cuh)\"$");

    private final int architecture;
    private final String version;
    private final @Nullable Path folder;

    CudaCompiler(int architecture) {
        int[] major = new int[1];
        int[] minor = new int[1];
        check("nvrtcVersion", nvrtc.nvrtcVersion(major, minor));
        this.architecture = architecture;
        version = major[0] + "." + minor[0];
        folder = cacheFolder();
    }

    int architecture() {
        return architecture;
    }

    /** Kernels for one architecture alone may use what later ones lack. */
    private String option(String name) {
        return "--gpu-architecture=sm_" + architecture + (CudaModule.WGMMA_FILES.contains(name) ? "a" : "");
    }

    private static @Nullable Path cacheFolder() {
        for (String variable : new String[] {"XDG_CACHE_HOME", "LOCALAPPDATA"}) {
            String root = System.getenv(variable);
            if (root != null && !root.isBlank()) {
                return Path.of(root, "lte", "cuda");
            }
        }
        String home = System.getenv("HOME");
        return home == null || home.isBlank() ? null : Path.of(home, ".cache", "lte", "cuda");
    }

    /**
     * The machine code of {@code kernels/NAME.cu}.
     *
     * @param source NAME, or NAME:TYPE with the type that WEIGHT, and its size that WEIGHT_BITS is defined as
     */
    byte[] compile(String source) {
        int colon = source.indexOf(':');
        if (colon < 0) {
            return compileCached(source, resource("common.cuh") + resource(source + ".cu"));
        }
        DType type = DType.valueOf(source.substring(colon + 1));
        int bits = type == DType.Q4_0 ? 4 : type.isQuantized() ? 8 : 8 * type.blockBytes();
        String name = source.substring(0, colon);
        String define = "#define WEIGHT " + type + "\n#define WEIGHT_BITS " + bits + "\n";
        return compileCached(name, resource("common.cuh") + define + resource(name + ".cu"));
    }

    /** The machine code of {@code kernels/NAME.cu} of training, with a line behind it that says which kernels it has. */
    byte[] compileTraining(String name, String instances) {
        return compileCached(name, resource("common.cuh") + resource("train.cuh") + resource(name + ".cu") + instances);
    }

    private byte[] compileCached(String name, String source) {
        String key = HexFormat.of()
                .formatHex(hash((version + '\n' + option(name) + '\n' + source).getBytes(StandardCharsets.UTF_8)));
        Path file = folder == null ? null : folder.resolve(key + ".cubin");
        byte[] code = file == null ? null : read(file);
        if (code == null) {
            code = compile(name, source);
            if (file != null) {
                write(file, code);
            }
        }
        return code;
    }

    private static String resource(String name) {
        try (InputStream in = CudaCompiler.class.getResourceAsStream("kernels/" + name)) {
            if (in == null) {
                throw new IllegalStateException("the module lacks its resource kernels/" + name);
            }
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return INCLUDE.matcher(text).replaceAll(include -> Matcher.quoteReplacement(resource(include.group(1))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte @Nullable [] read(Path file) {
        try {
            if (!Files.isRegularFile(file)) {
                return null;
            }
            byte[] entry = Files.readAllBytes(file);
            if (entry.length > HASH_BYTES) {
                byte[] code = Arrays.copyOfRange(entry, HASH_BYTES, entry.length);
                if (Arrays.equals(hash(code), Arrays.copyOf(entry, HASH_BYTES))) {
                    return code;
                }
            }
            LOG.log(Level.WARNING, "compiled kernels in {0} are damaged and made again", file);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "compiled kernels cannot be read", e);
        }
        return null;
    }

    /** Moves a finished file into place, so that other processes see all of it or nothing. */
    private static void write(Path file, byte[] code) {
        try {
            Path parent = Files.createDirectories(file.toAbsolutePath().getParent());
            Path temporary = Files.createTempFile(parent, "kernels", ".tmp");
            byte[] entry = Arrays.copyOf(hash(code), HASH_BYTES + code.length);
            System.arraycopy(code, 0, entry, HASH_BYTES, code.length);
            Files.write(temporary, entry);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "compiled kernels cannot be kept", e);
        }
    }

    private static byte[] hash(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private byte[] compile(String name, String source) {
        _nvrtcProgram program = new _nvrtcProgram();
        try (BytePointer text = new BytePointer(source, StandardCharsets.UTF_8);
                BytePointer title = new BytePointer(name + ".cu", StandardCharsets.UTF_8);
                BytePointer argument = new BytePointer(option(name), StandardCharsets.UTF_8);
                PointerPointer<BytePointer> arguments = new PointerPointer<>(1);
                SizeTPointer size = new SizeTPointer(1)) {
            arguments.put(0, argument);
            check(
                    "nvrtcCreateProgram",
                    nvrtc.nvrtcCreateProgram(
                            program, text, title, 0, (PointerPointer<?>) null, (PointerPointer<?>) null));
            int status = nvrtc.nvrtcCompileProgram(program, 1, arguments);
            if (status != nvrtc.NVRTC_SUCCESS) {
                throw new IllegalStateException(
                        "NVRTC " + version + " does not compile " + name + ".cu: " + log(program));
            }
            check("nvrtcGetCUBINSize", nvrtc.nvrtcGetCUBINSize(program, size));
            byte[] code = new byte[Math.toIntExact(size.get())];
            check("nvrtcGetCUBIN", nvrtc.nvrtcGetCUBIN(program, code));
            return code;
        } finally {
            nvrtc.nvrtcDestroyProgram(program);
        }
    }

    private static String log(_nvrtcProgram program) {
        try (SizeTPointer size = new SizeTPointer(1)) {
            check("nvrtcGetProgramLogSize", nvrtc.nvrtcGetProgramLogSize(program, size));
            byte[] text = new byte[Math.toIntExact(size.get())];
            check("nvrtcGetProgramLog", nvrtc.nvrtcGetProgramLog(program, text));
            return new String(text, StandardCharsets.UTF_8).strip();
        }
    }

    private static void check(String call, int status) {
        if (status != nvrtc.NVRTC_SUCCESS) {
            throw new IllegalStateException(call + " failed with NVRTC error " + status);
        }
    }
}
