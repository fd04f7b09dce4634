/** An application on the module path: it requires the API alone, and the backends come as services. */
module dev.lte.examples.packaging {
    requires dev.lte.api;
    requires static org.jspecify;
}
