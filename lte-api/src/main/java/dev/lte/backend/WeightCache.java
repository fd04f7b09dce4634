package dev.lte.backend;

import java.nio.file.Path;
import java.util.Objects;

/**
 * Where a backend that brings weights into a layout of its own may keep them between runs. A backend that uses weights as they are
 * leaves it alone.
 *
 * @param folder exists; processes may share it
 * @param model names the model; what is kept of an older version is replaced
 * @param version changes whenever the model's bytes may have changed
 */
public record WeightCache(Path folder, String model, String version) {
    public WeightCache {
        Objects.requireNonNull(folder, "folder");
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(version, "version");
    }
}
