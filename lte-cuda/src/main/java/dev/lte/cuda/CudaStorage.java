package dev.lte.cuda;

/** Device memory of a tensor with all its views, or of a feed-forward block. */
final class CudaStorage {
    private final CudaBackend backend;
    private final long[] addresses;
    private final boolean constant;
    private volatile boolean freed;

    /** @param constant whether no kernel ever writes it */
    CudaStorage(CudaBackend backend, boolean constant, long... addresses) {
        this.backend = backend;
        this.constant = constant;
        this.addresses = addresses;
    }

    boolean isConstant() {
        return constant;
    }

    CudaBackend backend() {
        return backend;
    }

    long[] addresses() {
        return addresses;
    }

    /**
     * @throws IllegalStateException if the memory is gone
     */
    void check() {
        if (freed) {
            throw new IllegalStateException("the tensor was freed, by itself or with its backend");
        }
    }

    void markFreed() {
        freed = true;
    }
}
