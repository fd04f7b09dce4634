package dev.lte.core.format.gguf;

import dev.lte.UnsupportedModelException;
import dev.lte.core.format.HeapBudget;
import dev.lte.core.format.MappedFile;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads the key-value pairs of a GGUF file into the types of {@link GgufMetadata}. */
final class GgufValues {
    /** By the specification. */
    private static final int LONGEST_KEY = 65535;

    /** Heap of a pair in two maps, and of a number. */
    private static final int PAIR_BYTES = 256;

    private final MappedFile file;
    private final HeapBudget budget;
    private final GgufCursor in;

    GgufValues(MappedFile file, HeapBudget budget, GgufCursor in) {
        this.file = file;
        this.budget = budget;
        this.in = in;
    }

    GgufMetadata read(int pairs) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (int i = 0; i < pairs; i++) {
            String item = "key " + (i + 1) + " of " + pairs;
            budget.charge(PAIR_BYTES, item, in.position());
            String key = in.name(LONGEST_KEY, item);
            if (values.containsKey(key)) {
                throw in.invalid(key, "a key of its own", "a second key of this name");
            }
            values.put(key, value(type(key), key));
        }
        return new GgufMetadata(file.path(), values);
    }

    private GgufValueType type(String key) {
        int id = in.int32(key);
        if (!GgufValueType.has(id)) {
            throw in.invalid(key, "a type of value from 0 to 12", Integer.toUnsignedString(id));
        }
        return GgufValueType.of(id);
    }

    private Object value(GgufValueType type, String key) {
        return switch (type) {
            case BOOL -> in.bool(key);
            case FLOAT32 -> (double) in.float32(key);
            case FLOAT64 -> in.float64(key);
            case STRING -> in.string(key);
            case ARRAY -> array(key);
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> integer(type, key);
        };
    }

    private long integer(GgufValueType type, String key) {
        return switch (type) {
            case UINT8 -> in.int8(key) & 0xffL;
            case INT8 -> in.int8(key);
            case UINT16 -> in.int16(key) & 0xffffL;
            case INT16 -> in.int16(key);
            case UINT32 -> in.int32(key) & 0xffffffffL;
            case INT32 -> in.int32(key);
            case UINT64 -> in.uint64(key);
            case INT64 -> in.int64(key);
            case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 -> throw new IllegalArgumentException(type.toString());
        };
    }

    private Object array(String key) {
        GgufValueType type = type(key);
        if (type == GgufValueType.ARRAY) {
            throw new UnsupportedModelException(
                    file.path() + ": key " + key + " is an array of arrays, which is not supported",
                    "leave the key out when converting the model");
        }
        int count = in.count(type.bytes, key);
        budget.charge(16 + 8L * count, key, in.position());
        return switch (type) {
            case BOOL -> {
                boolean[] array = new boolean[count];
                for (int i = 0; i < count; i++) {
                    array[i] = in.bool(key);
                }
                yield array;
            }
            case FLOAT32 -> {
                float[] array = new float[count];
                for (int i = 0; i < count; i++) {
                    array[i] = in.float32(key);
                }
                yield array;
            }
            case FLOAT64 -> {
                double[] array = new double[count];
                for (int i = 0; i < count; i++) {
                    array[i] = in.float64(key);
                }
                yield array;
            }
            case STRING -> {
                String[] array = new String[count];
                for (int i = 0; i < count; i++) {
                    array[i] = in.string(key);
                }
                yield array;
            }
            default -> {
                long[] array = new long[count];
                for (int i = 0; i < count; i++) {
                    array[i] = integer(type, key);
                }
                yield array;
            }
        };
    }
}
