package dev.lte.core.format.safetensors;

import dev.lte.ModelFormatException;
import dev.lte.core.format.HeapBudget;
import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorTable;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonToken;

/** Reads the header of one safetensors file. Not thread-safe. */
final class SafetensorsHeader {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** By the reference implementation. */
    private static final long LONGEST = 100_000_000;

    private static final int PREFIX = 8;
    private static final String METADATA = "__metadata__";
    private static final int LARGEST_RANK = 8;

    private final MappedFile file;
    private final HeapBudget budget;
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final TensorTable tensors;

    SafetensorsHeader(MappedFile file) {
        this.file = file;
        budget = new HeapBudget(file);
        long length = length();
        long data = PREFIX + length;
        if (file.bytes().get(ValueLayout.JAVA_BYTE, PREFIX) != '{') {
            throw new ModelFormatException(
                    file.path(), "header", PREFIX, "an object in JSON", "another character than {");
        }
        TensorTable.Builder table = new TensorTable.Builder(file, budget);
        try (JsonStream in = new JsonStream(file, budget, PREFIX, length, "header")) {
            in.expect(JsonToken.START_OBJECT);
            boolean hasMetadata = false;
            while (in.nextMember()) {
                String name = in.name();
                if (!name.equals(METADATA)) {
                    in.at("tensor " + name);
                    tensor(in, table, name, data);
                } else if (hasMetadata) {
                    throw in.invalid("one " + METADATA, "a second");
                } else {
                    in.at(METADATA);
                    metadata(in);
                    hasMetadata = true;
                }
                in.at("header");
            }
            in.end();
        }
        tensors = table.build();
        checkComplete(table, data);
    }

    private long length() {
        if (file.size() < PREFIX + 2) {
            throw new ModelFormatException(
                    file.path(), "header", 0, "at least " + (PREFIX + 2) + " bytes", file.size() + " bytes");
        }
        long length = file.bytes().get(LONG, 0);
        long most = Math.min(LONGEST, file.size() - PREFIX);
        if (length < 2 || length > most) {
            throw new ModelFormatException(
                    file.path(), "header", 0, "a length from 2 to " + most, Long.toUnsignedString(length));
        }
        return length;
    }

    private void metadata(JsonStream in) {
        in.expect(JsonToken.START_OBJECT);
        while (in.nextMember()) {
            String key = in.name();
            budget.charge(100, METADATA, PREFIX);
            if (metadata.containsKey(key)) {
                throw in.invalid("a key of its own", "a second " + key);
            }
            metadata.put(key, in.string());
        }
    }

    private void tensor(JsonStream in, TensorTable.Builder table, String name, long data) {
        String type = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        in.expect(JsonToken.START_OBJECT);
        while (in.nextMember()) {
            switch (in.name()) {
                case "dtype" -> type = once(in, type, in.string());
                case "shape" -> shape = once(in, shape, numbers(in, LARGEST_RANK));
                case "data_offsets" -> offsets = once(in, offsets, numbers(in, 2));
                default -> in.skip();
            }
        }
        if (type == null || shape == null || offsets == null || offsets.size() != 2) {
            throw in.invalid("dtype, shape and two data_offsets", "less");
        }
        long begin = offsets.get(0);
        long bytes = offsets.get(1) - begin;
        if (bytes < 0 || offsets.get(1) > file.size() - data) {
            throw in.invalid(
                    "data_offsets in order and inside the " + (file.size() - data) + " bytes of data",
                    offsets.toString());
        }
        add(in, table, name, type, shape, data + begin, bytes);
    }

    private static void add(
            JsonStream in,
            TensorTable.Builder table,
            String name,
            String type,
            List<Long> shape,
            long offset,
            long bytes) {
        SafetensorsType known = SafetensorsType.of(type);
        if (known == null) {
            table.addUnsupported(name, type, offset, bytes);
            return;
        }
        long expected = table.size(name, type, 1, known.bytes, shape, offset);
        if (expected != bytes) {
            throw in.invalid(
                    expected + " bytes for shape " + shape + " of type " + type, bytes + " between data_offsets");
        }
        if (known.dtype == null) {
            table.addUnsupported(name, type, offset, bytes);
        } else {
            table.add(name, known.dtype, shape, offset);
        }
    }

    private static <T> T once(JsonStream in, @Nullable T before, T value) {
        if (before != null) {
            throw in.invalid("a member once", "a second time");
        }
        return value;
    }

    private static List<Long> numbers(JsonStream in, int most) {
        in.expect(JsonToken.START_ARRAY);
        List<Long> numbers = new ArrayList<>(2);
        for (JsonToken token = in.next(); token != JsonToken.END_ARRAY; token = in.next()) {
            if (numbers.size() == most) {
                throw in.invalid("at most " + most + " numbers", "more");
            }
            numbers.add(in.number(token));
        }
        return numbers;
    }

    /** The format has no gaps: what is there belongs to a tensor. Overlaps have been found before. */
    private void checkComplete(TensorTable.Builder table, long data) {
        long expected = file.size() - data;
        if (table.bytes() != expected) {
            throw new ModelFormatException(
                    file.path(),
                    "header",
                    PREFIX,
                    "tensors of " + expected + " bytes without gaps, as there are behind the header",
                    table.bytes() + " bytes of tensors");
        }
    }

    /** The strings that the file says about itself, in order. */
    Map<String, String> metadata() {
        return metadata;
    }

    TensorTable tensors() {
        return tensors;
    }
}
