package dev.lte.core.format.gguf;

/** Types of metadata values; their numbers in files are their ordinals. */
enum GgufValueType {
    UINT8(1),
    INT8(1),
    UINT16(2),
    INT16(2),
    UINT32(4),
    INT32(4),
    FLOAT32(4),
    BOOL(1),
    /** At least its length. */
    STRING(8),
    /** At least type and number of its elements. */
    ARRAY(12),
    UINT64(8),
    INT64(8),
    FLOAT64(8);

    private static final GgufValueType[] BY_ID = values();

    /** The fewest bytes that a value takes. */
    final int bytes;

    GgufValueType(int bytes) {
        this.bytes = bytes;
    }

    static boolean has(int id) {
        return id >= 0 && id < BY_ID.length;
    }

    static GgufValueType of(int id) {
        return BY_ID[id];
    }
}
