package dev.lte.backend;

/**
 * Element types of tensors. Block types store {@link #blockSize()} consecutive elements of a row in {@link #blockBytes()}
 * bytes, laid out as in ggml; rows are always whole blocks.
 */
public enum DType {
    F32(1, 4),
    F16(1, 2),
    BF16(1, 2),
    I32(1, 4),
    Q8_0(32, 34),
    Q4_0(32, 18),
    Q4_1(32, 20),
    Q5_0(32, 22),
    Q5_1(32, 24),
    Q2_K(256, 84),
    Q3_K(256, 110),
    Q4_K(256, 144),
    Q5_K(256, 176),
    Q6_K(256, 210),
    IQ4_NL(32, 18),
    IQ4_XS(256, 136),
    MXFP4(32, 17);

    private final int blockSize;
    private final int blockBytes;

    DType(int blockSize, int blockBytes) {
        this.blockSize = blockSize;
        this.blockBytes = blockBytes;
    }

    /** Elements in one block; 1 for plain types. */
    public int blockSize() {
        return blockSize;
    }

    /** Bytes of one block. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Whether elements share a scale with their block. */
    public boolean isQuantized() {
        return blockSize > 1;
    }

    /**
     * Bytes of {@code elements} consecutive elements of a row.
     *
     * @throws IllegalArgumentException if {@code elements} is not a whole number of blocks
     * @throws ArithmeticException if the result does not fit a long
     */
    public long byteSize(long elements) {
        if (elements < 0 || elements % blockSize != 0) {
            throw new IllegalArgumentException(
                    elements + " elements are not a whole number of " + this + " blocks of " + blockSize);
        }
        return Math.multiplyExact(elements / blockSize, (long) blockBytes);
    }
}
