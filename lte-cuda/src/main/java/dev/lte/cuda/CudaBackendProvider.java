package dev.lte.cuda;

import dev.lte.BackendUnavailableException;
import dev.lte.backend.Availability;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import java.util.List;

/** Offers CUDA devices. Names no type of the bindings, so that it loads where they or their libraries are missing. */
public final class CudaBackendProvider implements BackendProvider {
    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public int priority() {
        return 200;
    }

    @Override
    public Availability probe() {
        return CudaProbe.probe(0);
    }

    @Override
    public Backend open(BackendOptions options) {
        return switch (CudaProbe.probe(options.device())) {
            case Availability.Available available -> new CudaBackend(options.device(), available.device());
            case Availability.Unavailable unavailable ->
                throw new BackendUnavailableException(
                        "backend cuda: " + unavailable.reason(), unavailable.remedy(), List.of());
        };
    }
}
