package dev.lte.core.quant;

/** Encodes one block of a type. Not thread-safe: implementations keep their working memory. */
@FunctionalInterface
interface BlockEncoder {
    /** @param in finite values, a whole block from {@code start} on */
    void encode(float[] in, int start, byte[] block);
}
