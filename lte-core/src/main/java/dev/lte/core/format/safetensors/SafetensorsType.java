package dev.lte.core.format.safetensors;

import dev.lte.backend.DType;
import org.jspecify.annotations.Nullable;

/** Types of tensors by their names in files. Those without a {@link DType} can be skipped, not read. */
enum SafetensorsType {
    F32(DType.F32),
    F16(DType.F16),
    BF16(DType.BF16),
    I32(DType.I32),
    BOOL(1),
    U8(1),
    I8(1),
    F8_E5M2(1),
    F8_E4M3(1),
    F8_E8M0(1),
    I16(2),
    U16(2),
    U32(4),
    I64(8),
    U64(8),
    F64(8),
    C64(8);

    final int bytes;
    final @Nullable DType dtype;

    SafetensorsType(DType dtype) {
        bytes = dtype.blockBytes();
        this.dtype = dtype;
    }

    SafetensorsType(int bytes) {
        this.bytes = bytes;
        dtype = null;
    }

    /** Null for a type that is not in this list. */
    static @Nullable SafetensorsType of(String name) {
        for (SafetensorsType type : values()) {
            if (type.name().equals(name)) {
                return type;
            }
        }
        return null;
    }

    /**
     * The name in files.
     *
     * @throws IllegalArgumentException for a block type
     */
    static String nameOf(DType dtype) {
        for (SafetensorsType type : values()) {
            if (type.dtype == dtype) {
                return type.name();
            }
        }
        throw new IllegalArgumentException("expected a type that safetensors files can hold, found " + dtype);
    }
}
