/** SIMD backend. */
module dev.lte.cpu {
    requires dev.lte.api;
    requires jdk.incubator.vector;
    requires static org.jspecify;
}
