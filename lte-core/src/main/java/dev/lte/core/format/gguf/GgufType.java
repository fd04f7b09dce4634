package dev.lte.core.format.gguf;

import dev.lte.backend.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** ggml's types of tensors, with their numbers in files. Those without a {@link DType} can be skipped, not read. */
enum GgufType {
    F32(0, DType.F32),
    F16(1, DType.F16),
    Q4_0(2, DType.Q4_0),
    Q4_1(3, DType.Q4_1),
    Q5_0(6, DType.Q5_0),
    Q5_1(7, DType.Q5_1),
    Q8_0(8, DType.Q8_0),
    Q8_1(9, 32, 36),
    Q2_K(10, DType.Q2_K),
    Q3_K(11, DType.Q3_K),
    Q4_K(12, DType.Q4_K),
    Q5_K(13, DType.Q5_K),
    Q6_K(14, DType.Q6_K),
    Q8_K(15, 256, 292),
    IQ2_XXS(16, 256, 66),
    IQ2_XS(17, 256, 74),
    IQ3_XXS(18, 256, 98),
    IQ1_S(19, 256, 50),
    IQ4_NL(20, DType.IQ4_NL),
    IQ3_S(21, 256, 110),
    IQ2_S(22, 256, 82),
    IQ4_XS(23, DType.IQ4_XS),
    I8(24, 1, 1),
    I16(25, 1, 2),
    I32(26, DType.I32),
    I64(27, 1, 8),
    F64(28, 1, 8),
    IQ1_M(29, 256, 56),
    BF16(30, DType.BF16),
    TQ1_0(34, 256, 54),
    TQ2_0(35, 256, 66),
    MXFP4(39, DType.MXFP4),
    NVFP4(40, 64, 36);

    final int id;
    final int blockSize;
    final int blockBytes;
    final @Nullable DType dtype;

    GgufType(int id, DType dtype) {
        this.id = id;
        blockSize = dtype.blockSize();
        blockBytes = dtype.blockBytes();
        this.dtype = dtype;
    }

    GgufType(int id, int blockSize, int blockBytes) {
        this.id = id;
        this.blockSize = blockSize;
        this.blockBytes = blockBytes;
        dtype = null;
    }

    /** Null for a type that ggml has dropped or that is newer than this list. */
    static @Nullable GgufType of(int id) {
        for (GgufType type : values()) {
            if (type.id == id) {
                return type;
            }
        }
        return null;
    }

    static GgufType of(DType dtype) {
        return Arrays.stream(values())
                .filter(type -> type.dtype == dtype)
                .findFirst()
                .orElseThrow();
    }
}
