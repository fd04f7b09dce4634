package dev.lte.cuda;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of training, compiled when a queue trains for the first time; those of attention on tensor cores when heads of a
 * size appear. Thread-safe; the context must be current.
 */
final class TrainingModules implements AutoCloseable {
    private static final List<String> FILES = List.of(
            "train_attention", "train_norm", "train_rows", "train_ffn", "train_loss", "train_optimizer");

    private final CudaCompiler compiler;
    private final Map<Integer, CudaModule> flash = new HashMap<>();
    private @Nullable CudaModule module;

    TrainingModules(CudaCompiler compiler) {
        this.compiler = compiler;
    }

    /** All but those of attention on tensor cores. */
    synchronized CudaModule module() {
        CudaModule found = module;
        if (found == null) {
            found = new CudaModule(FILES, name -> compiler.compileTraining(name, ""));
            module = found;
        }
        return found;
    }

    /** Attention on tensor cores for heads that are padded to {@code columns}. */
    synchronized CudaModule flash(int columns) {
        return flash.computeIfAbsent(
                columns,
                count -> new CudaModule(
                        List.of("train_flash"), name -> compiler.compileTraining(name, "FLASH(" + count + ")\n")));
    }

    @Override
    public synchronized void close() {
        if (module != null) {
            module.close();
        }
        flash.values().forEach(CudaModule::close);
        flash.clear();
    }
}
