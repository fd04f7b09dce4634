import dev.lte.backend.BackendProvider;
import dev.lte.cpu.CpuBackendProvider;

/** SIMD backend. Exports nothing: it is found as a service. */
module dev.lte.cpu {
    requires dev.lte.api;
    requires java.management;
    requires jdk.management;
    requires jdk.incubator.vector;
    requires static org.jspecify;

    provides BackendProvider with
            CpuBackendProvider;
}
