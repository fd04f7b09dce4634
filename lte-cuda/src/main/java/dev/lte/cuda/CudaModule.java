package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

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
    private static final List<String> FILES =
            List.of("ffn", "linear", "attention", "pack", "rows", "norm", "rope", "routing");

    private final List<CUmod_st> modules = new ArrayList<>();
    private final Map<String, CUfunc_st> functions = new ConcurrentHashMap<>();

    /** Those of inference. */
    CudaModule(CudaCompiler compiler) {
        this(FILES, compiler::compile);
    }

    CudaModule(List<String> files, Function<String, byte[]> compiler) {
        List<byte[]> codes = files.parallelStream().map(compiler).toList();
        for (int i = 0; i < codes.size(); i++) {
            CUmod_st module = new CUmod_st();
            try (BytePointer code = new BytePointer(codes.get(i))) {
                check("cuModuleLoadData of " + files.get(i), cudart.cuModuleLoadData(module, code));
            }
            modules.add(module);
        }
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
        return function;
    }

    @Override
    public void close() {
        for (CUmod_st module : modules) {
            check("cuModuleUnload", cudart.cuModuleUnload(module));
        }
        modules.clear();
    }
}
