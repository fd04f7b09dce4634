package dev.lte.cpu;

import dev.lte.BackendUnavailableException;
import dev.lte.backend.Availability;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import java.util.List;

/**
 * Offers {@link CpuBackend}. Names no type of {@code jdk.incubator.vector}, so that it loads where that module is missing and
 * can say so.
 */
public final class CpuBackendProvider implements BackendProvider {
    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final String REMEDY = "start java with --add-modules " + VECTOR_MODULE;

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public int priority() {
        return 100;
    }

    @Override
    public Availability probe() {
        if (!vectorModuleReadable()) {
            return new Availability.Unavailable("module " + VECTOR_MODULE + " is not readable", REMEDY, false);
        }
        try {
            return new Availability.Available(CpuBackend.describe(BackendOptions.defaults()));
        } catch (LinkageError e) {
            return new Availability.Unavailable(
                    "the Vector API of this Java cannot be used: " + e, "use Java 25", false);
        }
    }

    @Override
    public Backend open(BackendOptions options) {
        if (probe() instanceof Availability.Unavailable(String reason, String remedy, boolean ordinary)) {
            throw new BackendUnavailableException("backend cpu: " + reason, remedy, List.of());
        }
        return new CpuBackend(options);
    }

    /** On the class path the unnamed module reads every module of the boot layer, so its presence there is the question. */
    private static boolean vectorModuleReadable() {
        ModuleLayer layer = CpuBackendProvider.class.getModule().getLayer();
        if (layer == null) {
            layer = ModuleLayer.boot();
        }
        Module module = CpuBackendProvider.class.getModule();
        return layer.findModule(VECTOR_MODULE).map(module::canRead).orElse(false);
    }
}
