package dev.lte.core.format.gguf;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.DType;
import dev.lte.core.format.ByteCursor;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.TensorTable;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the head of a GGUF file: magic, version, counts, metadata, descriptions of tensors (the format's specification in
 * ggml, docs/gguf.md). Nothing is allocated for a count before the file is known to be long enough for it.
 */
final class GgufReader {
    /** "GGUF" as a little-endian integer. */
    private static final int MAGIC = 0x46554747;

    private static final int MAX_DIMENSIONS = 4;
    private static final long DEFAULT_ALIGNMENT = 32;
    private static final long MAX_NAME = 1 << 16;

    /** The least that a pair or the description of a tensor takes in the file. */
    private static final long MIN_PAIR_BYTES = 8 + 4 + 1;

    private static final long MIN_TENSOR_BYTES = 8 + 4 + 4 + 8;

    /** What a file says before its data. */
    record Content(int version, GgufMetadata metadata, TensorTable tensors) {}

    private final Path file;
    private final long size;
    private final ByteCursor cursor;

    private GgufReader(Path file, MemorySegment bytes) {
        this.file = file;
        size = bytes.byteSize();
        cursor = new ByteCursor(file, bytes);
    }

    static Content read(Path file, MemorySegment bytes) {
        return new GgufReader(file, bytes).content();
    }

    private Content content() {
        int magic = cursor.remaining() < 4 ? 0 : cursor.getInt("magic");
        if (magic != MAGIC) {
            throw new ModelFormatException(
                    file, "magic", 0, "the bytes GGUF", "other bytes", "use a GGUF file, or convert the model to GGUF");
        }
        int version = cursor.getInt("version");
        if (version == 1 || (version != 0 && (version & 0xFFFF) == 0)) {
            throw new UnsupportedModelException(
                    file + ": GGUF " + (version == 1 ? "version 1" : "in big-endian order") + " is not supported",
                    "convert it to GGUF version 3, little-endian");
        }
        if (version != 2 && version != 3) {
            throw new ModelFormatException(file, "version", 4, "2 or 3", Integer.toString(version));
        }
        long tensorCount = cursor.getLong("tensor count");
        long pairCount = cursor.getLong("metadata count");
        cursor.require(pairCount, MIN_PAIR_BYTES, "metadata");
        Map<String, Object> values = new LinkedHashMap<>();
        for (long i = 0; i < pairCount; i++) {
            String key = text("key " + i, MAX_NAME);
            if (values.put(key, value(key, cursor.getInt(key))) != null) {
                throw cursor.invalid(key, "each key once", "a second value");
            }
        }
        GgufMetadata metadata = new GgufMetadata(file, values);
        return new Content(version, metadata, tensors(tensorCount, alignment(metadata)));
    }

    private long alignment(GgufMetadata metadata) {
        if (!metadata.contains("general.alignment")) {
            return DEFAULT_ALIGNMENT;
        }
        int alignment = metadata.integer("general.alignment");
        if (alignment < 1 || Integer.bitCount(alignment) != 1 || alignment > 1 << 20) {
            throw new ModelFormatException(
                    file,
                    "general.alignment",
                    ModelFormatException.NO_OFFSET,
                    "a power of two up to 2^20",
                    Integer.toString(alignment));
        }
        return alignment;
    }

    private Object value(String key, int type) {
        return switch (type) {
            case 0 -> (long) Byte.toUnsignedInt(cursor.getByte(key));
            case 1 -> (long) cursor.getByte(key);
            case 2 -> (long) Short.toUnsignedInt(cursor.getShort(key));
            case 3 -> (long) cursor.getShort(key);
            case 4 -> Integer.toUnsignedLong(cursor.getInt(key));
            case 5 -> (long) cursor.getInt(key);
            case 6 -> (double) Float.intBitsToFloat(cursor.getInt(key));
            case 7 -> cursor.getByte(key) != 0;
            case 8 -> text(key, Integer.MAX_VALUE - 8);
            case 9 -> array(key);
            case 10, 11 -> cursor.getLong(key);
            case 12 -> Double.longBitsToDouble(cursor.getLong(key));
            default -> throw cursor.invalid(key, "a type of 0 to 12", "type " + type);
        };
    }

    private Object array(String key) {
        int type = cursor.getInt(key);
        if (type == 9) {
            throw new UnsupportedModelException(
                    file + ": " + key + " is an array of arrays, which is not supported", "use another file of this model");
        }
        long length = cursor.getLong(key);
        // A string takes at least the eight bytes of its length.
        int elementBytes =
                switch (type) {
                    case 0, 1, 7 -> 1;
                    case 2, 3 -> 2;
                    case 4, 5, 6 -> 4;
                    case 8, 10, 11, 12 -> 8;
                    default -> throw cursor.invalid(key, "an element type of 0 to 12", "type " + type);
                };
        cursor.require(length, elementBytes, key);
        if (length > Integer.MAX_VALUE - 8) {
            throw cursor.invalid(key, "fewer than 2^31 elements", Long.toString(length));
        }
        int count = (int) length;
        switch (type) {
            case 6 -> {
                float[] floats = new float[count];
                for (int i = 0; i < count; i++) {
                    floats[i] = Float.intBitsToFloat(cursor.getInt(key));
                }
                return floats;
            }
            case 7 -> {
                boolean[] flags = new boolean[count];
                for (int i = 0; i < count; i++) {
                    flags[i] = cursor.getByte(key) != 0;
                }
                return flags;
            }
            case 8 -> {
                String[] strings = new String[count];
                for (int i = 0; i < count; i++) {
                    strings[i] = text(key, Integer.MAX_VALUE - 8);
                }
                return strings;
            }
            case 12 -> {
                double[] doubles = new double[count];
                for (int i = 0; i < count; i++) {
                    doubles[i] = Double.longBitsToDouble(cursor.getLong(key));
                }
                return doubles;
            }
            default -> {
                long[] integers = new long[count];
                for (int i = 0; i < count; i++) {
                    integers[i] = (Long) value(key, type);
                }
                return integers;
            }
        }
    }

    private String text(String item, long longest) {
        long length = cursor.getLong(item);
        if (length < 0 || length > longest) {
            throw cursor.invalid(item, "a text of at most " + longest + " bytes", Long.toUnsignedString(length));
        }
        return cursor.getText(length, item);
    }

    /** A description as read; where it points is known once all are read. */
    private record Described(String name, int type, List<Long> shape, long offset, long at) {}

    private TensorTable tensors(long count, long alignment) {
        cursor.require(count, MIN_TENSOR_BYTES, "tensors");
        List<Described> described = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            String name = text("tensor " + i, MAX_NAME);
            int dimensions = cursor.getInt(name);
            if (dimensions < 0 || dimensions > MAX_DIMENSIONS) {
                throw cursor.invalid(name, "at most " + MAX_DIMENSIONS + " dimensions", Integer.toUnsignedString(dimensions));
            }
            List<Long> shape = new ArrayList<>();
            for (int d = 0; d < dimensions; d++) {
                shape.add(cursor.getLong(name));
            }
            Collections.reverse(shape);
            described.add(new Described(name, cursor.getInt(name), shape, cursor.getLong(name), cursor.offset()));
        }
        // Files without tensors end where their head does.
        long begin = count == 0 ? size : Math.ceilDiv(cursor.offset(), alignment) * alignment;
        TensorTable table = new TensorTable(file);
        for (Described tensor : described) {
            add(table, tensor, begin, alignment);
        }
        table.checkPlaces(begin, size);
        return table;
    }

    private void add(TensorTable table, Described tensor, long begin, long alignment) {
        DType dtype = GgmlTypes.dtype(tensor.type());
        if (dtype == null) {
            String foreign = GgmlTypes.foreignName(tensor.type());
            if (foreign == null) {
                throw new ModelFormatException(
                        file, tensor.name(), tensor.at(), "a known element type", "type " + tensor.type());
            }
            table.addUnsupported(tensor.name(), foreign, tensor.at());
            return;
        }
        if (tensor.offset() < 0 || tensor.offset() % alignment != 0) {
            throw new ModelFormatException(
                    file,
                    tensor.name(),
                    tensor.at(),
                    "an offset that is a multiple of " + alignment,
                    Long.toUnsignedString(tensor.offset()));
        }
        try {
            long elements = 1;
            for (long dimension : tensor.shape()) {
                if (dimension < 0) {
                    throw new ArithmeticException("negative");
                }
                elements = Math.multiplyExact(elements, dimension);
            }
            long columns = tensor.shape().isEmpty() ? 1 : tensor.shape().getLast();
            long rows = columns == 0 ? 0 : elements / columns;
            long bytes = Math.multiplyExact(rows, dtype.byteSize(columns));
            table.add(new TensorInfo(
                    tensor.name(), dtype, tensor.shape(), Math.addExact(begin, tensor.offset()), bytes));
        } catch (ArithmeticException e) {
            throw new ModelFormatException(
                    file, tensor.name(), tensor.at(), "a shape whose bytes fit the file", tensor.shape().toString());
        } catch (IllegalArgumentException e) {
            throw new ModelFormatException(
                    file,
                    tensor.name(),
                    tensor.at(),
                    "rows of whole blocks of " + dtype.blockSize(),
                    tensor.shape() + " of " + dtype);
        }
    }
}
