package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import dev.lte.backend.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;

/** The kernels of some files, loaded into a context. Functions are found by name once and kept. Thread-safe; the context must be current. */
final class CudaModule implements AutoCloseable {
    private static final List<String> FILES = List.of(
            "ffn", "linear", "attention", "append", "decode", "many", "pack", "rows", "norm", "rope", "routing");
    private static final List<String> TYPED_FILES = List.of("stream", "down");
    private static final List<DType> TYPES = List.of(DType.BF16, DType.F16, DType.F32, DType.Q8_0, DType.Q4_0);
    private static final List<String> BULK_FILES = List.of("bulk");
    private static final List<DType> BULK_TYPES = List.of(DType.BF16, DType.F16, DType.F32);
    private static final List<String> PROMPT_FILES = List.of("prompt:F16", "prompt:BF16");

    /** Kernels for the one architecture that has their matrix instructions. */
    static final List<String> WGMMA_FILES = List.of("gemm", "flash");

    static final int WGMMA_ARCHITECTURE = 90;

    /** Bytes of shared memory of the kernels that need more than a block gets unasked; every architecture that has them has it. */
    static final int LARGE_SHARED = 96 << 10;

    /** Most bytes of shared memory of kernels with bulk copies, beside what they declare themselves. */
    static final int BULK_SHARED = 224 << 10;

    /** Kernels of one token's pass. Those of one multiprocessor must agree on how its memory is divided to overlap. */
    private static final List<String> ALL_SHARED = List.of("bulk", "attendFew", "attendNew", "ropeAppend");

    private final List<CUmod_st> modules = new ArrayList<>();
    private final Map<String, CUfunc_st> functions = new ConcurrentHashMap<>();

    /** Those of inference. */
    CudaModule(CudaCompiler compiler) {
        this(sources(compiler.architecture()), compiler::compile);
    }

    CudaModule(List<String> sources, Function<String, byte[]> compiler) {
        List<byte[]> codes = sources.parallelStream().map(compiler).toList();
        for (int i = 0; i < codes.size(); i++) {
            CUmod_st module = new CUmod_st();
            try (BytePointer code = new BytePointer(codes.get(i))) {
                check("cuModuleLoadData of " + sources.get(i), cudart.cuModuleLoadData(module, code));
            }
            modules.add(module);
        }
    }

    /** Files, with the type that they are compiled for behind a colon. The slowest come first. */
    private static List<String> sources(int architecture) {
        List<String> sources = new ArrayList<>(PROMPT_FILES);
        if (architecture == WGMMA_ARCHITECTURE) {
            sources.addAll(WGMMA_FILES);
        }
        for (String file : TYPED_FILES) {
            TYPES.forEach(type -> sources.add(file + ":" + type));
        }
        for (String file : BULK_FILES) {
            BULK_TYPES.forEach(type -> sources.add(file + ":" + type));
        }
        sources.addAll(FILES);
        return sources;
    }

    CUfunc_st function(String name) {
        CUfunc_st known = functions.get(name);
        return known != null ? known : functions.computeIfAbsent(name, this::find);
    }

    private CUfunc_st find(String name) {
        CUfunc_st function = new CUfunc_st();
        int status = cudart.CUDA_ERROR_NOT_FOUND;
        for (CUmod_st module : modules) {
            status = cudart.cuModuleGetFunction(function, module, name);
            if (status != cudart.CUDA_ERROR_NOT_FOUND) {
                break;
            }
        }
        check("cuModuleGetFunction of " + name, status);
        if (name.startsWith("attendMany")) {
            set(function, name, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, LARGE_SHARED);
        }
        if (BULK_FILES.stream().anyMatch(name::startsWith)) {
            set(function, name, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, BULK_SHARED);
        }
        if (name.startsWith("gemm")) {
            set(function, name, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, CudaGemm.SHARED_BYTES);
        }
        if (name.startsWith("flash")) {
            set(function, name, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, CudaAttention.FLASH_SHARED);
        }
        if (ALL_SHARED.stream().anyMatch(name::startsWith)) {
            set(function, name, cudart.CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 100);
        }
        return function;
    }

    private static void set(CUfunc_st function, String name, int attribute, int value) {
        check("cuFuncSetAttribute of " + name, cudart.cuFuncSetAttribute(function, attribute, value));
    }

    @Override
    public void close() {
        for (CUmod_st module : modules) {
            check("cuModuleUnload", cudart.cuModuleUnload(module));
        }
        modules.clear();
    }
}
