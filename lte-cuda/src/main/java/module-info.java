import dev.lte.backend.BackendProvider;
import dev.lte.cuda.CudaBackendProvider;

/** CUDA backend. Exports nothing: it is found as a service. */
module dev.lte.cuda {
    requires dev.lte.api;
    requires org.bytedeco.cuda;
    requires org.bytedeco.javacpp;
    requires static org.jspecify;

    provides BackendProvider with
            CudaBackendProvider;
}
