package dev.lte.core.quant;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * Converts between floats and every type that weights come in, bit for bit as ggml's plain C code does. Thread-safe.
 */
public final class BlockFormats {
    /** Bytes that are converted in one go: they stay in the first-level cache. */
    private static final int CHUNK = 8192;

    private BlockFormats() {}

    /**
     * Decodes {@code count} elements, whole blocks, from byte {@code offset} on. Any bytes are valid; scales that are
     * infinite or not a number give such elements.
     *
     * @throws IllegalArgumentException for {@link DType#I32} and for a part of a block
     */
    public static void decode(DType dtype, MemorySegment bytes, long offset, float[] out, int start, int count) {
        long size = dtype.byteSize(count);
        Objects.checkFromIndexSize(start, count, out.length);
        Objects.checkFromIndexSize(offset, size, bytes.byteSize());
        switch (dtype) {
            case F32 -> PlainFormats.f32(bytes, offset, out, start, count);
            case F16 -> PlainFormats.f16(bytes, offset, out, start, count);
            case BF16 -> PlainFormats.bf16(bytes, offset, out, start, count);
            case I32 -> throw new IllegalArgumentException("expected a type of real numbers, found " + dtype);
            default -> {
                int blocksAtOnce = CHUNK / dtype.blockBytes();
                byte[] chunk = new byte[(int) Math.min(size, (long) blocksAtOnce * dtype.blockBytes())];
                int blocks = count / dtype.blockSize();
                for (int done = 0; done < blocks; done += blocksAtOnce) {
                    int now = Math.min(blocksAtOnce, blocks - done);
                    MemorySegment.copy(
                            bytes,
                            ValueLayout.JAVA_BYTE,
                            offset + (long) done * dtype.blockBytes(),
                            chunk,
                            0,
                            now * dtype.blockBytes());
                    decode(dtype, chunk, now, out, start + done * dtype.blockSize());
                }
            }
        }
    }

    private static void decode(DType dtype, byte[] in, int blocks, float[] out, int start) {
        switch (dtype) {
            case Q4_0 -> SmallBlocks.q40(in, blocks, out, start);
            case Q4_1 -> SmallBlocks.q41(in, blocks, out, start);
            case Q5_0 -> SmallBlocks.q50(in, blocks, out, start);
            case Q5_1 -> SmallBlocks.q51(in, blocks, out, start);
            case Q8_0 -> SmallBlocks.q80(in, blocks, out, start);
            case Q2_K -> SuperBlocks.q2k(in, blocks, out, start);
            case Q3_K -> SuperBlocks.q3k(in, blocks, out, start);
            case Q4_K -> SuperBlocks.q4k(in, blocks, out, start);
            case Q5_K -> SuperBlocks.q5k(in, blocks, out, start);
            case Q6_K -> SuperBlocks.q6k(in, blocks, out, start);
            case IQ4_NL -> TableBlocks.iq4nl(in, blocks, out, start);
            case IQ4_XS -> TableBlocks.iq4xs(in, blocks, out, start);
            case MXFP4 -> TableBlocks.mxfp4(in, blocks, out, start);
            case F32, F16, BF16, I32 -> throw new IllegalArgumentException("no block type: " + dtype);
        }
    }

    /** Whether {@link #encode} takes the type. */
    public static boolean encodes(DType dtype) {
        return switch (dtype) {
            case F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K -> true;
            default -> false;
        };
    }

    /**
     * Encodes {@code count} elements, whole blocks, to byte {@code offset} on. Plain types round to nearest even and take
     * infinities and NaN; block types do not.
     *
     * @throws IllegalArgumentException if the type cannot be encoded, for a part of a block, and if a block type cannot
     *     hold a value: not finite, or so large that the scale of its block overflows
     */
    public static void encode(DType dtype, float[] in, int start, int count, MemorySegment out, long offset) {
        long size = dtype.byteSize(count);
        Objects.checkFromIndexSize(start, count, in.length);
        Objects.checkFromIndexSize(offset, size, out.byteSize());
        switch (dtype) {
            case F32 -> PlainFormats.f32(in, start, count, out, offset);
            case F16 -> PlainFormats.f16(in, start, count, out, offset);
            case BF16 -> PlainFormats.bf16(in, start, count, out, offset);
            default -> {
                BlockEncoder encoder = encoder(dtype);
                byte[] block = new byte[dtype.blockBytes()];
                for (int done = 0; done < count; done += dtype.blockSize()) {
                    checkFinite(dtype, in, start + done);
                    encoder.encode(in, start + done, block);
                    MemorySegment.copy(block, 0, out, ValueLayout.JAVA_BYTE, offset, block.length);
                    offset += block.length;
                }
            }
        }
    }

    private static BlockEncoder encoder(DType dtype) {
        return switch (dtype) {
            case Q4_0 -> SmallBlocks::encodeQ40;
            case Q8_0 -> SmallBlocks::encodeQ80;
            case Q4_K -> new Q4KEncoder();
            case Q6_K -> new Q6KEncoder();
            default -> throw new IllegalArgumentException("expected a type that can be encoded, found " + dtype);
        };
    }

    private static void checkFinite(DType dtype, float[] in, int start) {
        for (int i = start; i < start + dtype.blockSize(); i++) {
            if (!Float.isFinite(in[i])) {
                throw new IllegalArgumentException(
                        dtype + ": expected finite values, found " + in[i] + " as element " + i);
            }
        }
    }
}
