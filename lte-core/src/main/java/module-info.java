/** Everything that knows what a model is. Exports nothing: applications use the API, which finds this module as a service. */
module dev.lte.core {
    requires transitive dev.lte.api;
    requires com.google.common;
    requires tools.jackson.databind;
    requires reactor.core;
    requires static org.jspecify;

    uses dev.lte.backend.BackendProvider;

    provides dev.lte.backend.BackendProvider with
            dev.lte.core.reference.ReferenceBackendProvider;
    provides dev.lte.spi.ModelRuntime with
            dev.lte.core.CoreModelRuntime;
}
