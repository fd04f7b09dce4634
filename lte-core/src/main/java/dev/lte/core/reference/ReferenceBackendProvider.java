package dev.lte.core.reference;

import dev.lte.BackendUnavailableException;
import dev.lte.backend.Availability;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import java.util.List;

/** Offers {@link ReferenceBackend}, which runs everywhere and is chosen last. */
public final class ReferenceBackendProvider implements BackendProvider {
    @Override
    public String name() {
        return ReferenceBackend.NAME;
    }

    @Override
    public int priority() {
        return 0;
    }

    @Override
    public Availability probe() {
        return new Availability.Available(ReferenceBackend.describe());
    }

    /**
     * Opens the backend. Kernels run on the thread that calls them, which is within every number of threads that the options
     * may allow; {@link dev.lte.backend.DeviceInfo#threads} says so.
     */
    @Override
    public Backend open(BackendOptions options) {
        if (options.device() != 0) {
            throw new BackendUnavailableException(
                    "backend " + name() + ": expected device 0, found " + options.device(),
                    "leave the device out: there is only the host",
                    List.of());
        }
        return new ReferenceBackend();
    }
}
