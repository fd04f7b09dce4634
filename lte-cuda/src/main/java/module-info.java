/** CUDA backend. */
module dev.lte.cuda {
    requires dev.lte.api;
    requires org.bytedeco.cuda;
    requires org.bytedeco.javacpp;
    requires static org.jspecify;
}
