/** The front door of LTE, its event stream, and the interface that backends implement. */
module dev.lte.api {
    requires transitive reactor.core;
    requires transitive org.reactivestreams;
    requires static transitive org.jspecify;

    exports dev.lte;
    exports dev.lte.chat;
    exports dev.lte.backend;
    exports dev.lte.spi;

    uses dev.lte.spi.ModelRuntime;
    uses dev.lte.backend.BackendProvider;
}
