package dev.lte.examples.spark;

import dev.lte.Lte;
import dev.lte.Model;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The models of this JVM, which is what Spark calls an executor. Loaded by the first task that asks, shared by all tasks, closed when
 * the JVM ends. It is static because nothing else lives as long as an executor and is reached from its tasks.
 */
final class ExecutorModels {
    private static final Map<ModelSource, Model> MODELS = new ConcurrentHashMap<>();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(ExecutorModels::close, "lte-close"));
    }

    private ExecutorModels() {}

    /** @throws dev.lte.LteException if it cannot be loaded; the next task tries again */
    static Model get(ModelSource source) {
        return MODELS.computeIfAbsent(source, key -> Lte.load(key.resolve(), key.loadOptions()));
    }

    /** How many there are. */
    static int size() {
        return MODELS.size();
    }

    static void close() {
        MODELS.values().removeIf(model -> {
            model.close();
            return true;
        });
    }
}
