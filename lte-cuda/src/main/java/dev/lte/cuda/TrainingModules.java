package dev.lte.cuda;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of training, compiled when a queue trains for the first time; those of attention when heads of a size
 * appear. Thread-safe; the context must be current.
 */
final class TrainingModules implements AutoCloseable {
    private static final List<String> FILES =
            List.of("train_attention", "train_norm", "train_rows", "train_ffn", "train_loss", "train_optimizer");

    private final CudaCompiler compiler;
    private final Map<String, CudaModule> attention = new HashMap<>();
    private @Nullable CudaModule module;

    TrainingModules(CudaCompiler compiler) {
        this.compiler = compiler;
    }

    /** All but those of attention. */
    synchronized CudaModule module() {
        CudaModule found = module;
        if (found == null) {
            found = new CudaModule(FILES, name -> compiler.compileTraining(name, ""));
            module = found;
        }
        return found;
    }

    /** Attention on tensor cores, for heads that are padded to {@code columns}. */
    CudaModule flash(int columns, boolean capped, boolean aligned) {
        return attention("train_flash", "FLASH(" + columns + ", " + capped + ", " + aligned + ")\n");
    }

    /** Attention in F32, for heads of at most 32 times {@code each} columns. */
    CudaModule exact(int each) {
        return attention("train_attend", "ATTENTION(" + each + ")\n");
    }

    private synchronized CudaModule attention(String file, String instances) {
        return attention.computeIfAbsent(
                file + instances,
                key -> new CudaModule(List.of(file), name -> compiler.compileTraining(name, instances)));
    }

    @Override
    public synchronized void close() {
        if (module != null) {
            module.close();
        }
        attention.values().forEach(CudaModule::close);
        attention.clear();
    }
}
