package dev.lte.core.format.safetensors;

import dev.lte.ModelFormatException;
import dev.lte.backend.DType;
import dev.lte.core.format.ByteCursor;
import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.TensorTable;
import dev.lte.core.io.JsonView;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the header of a safetensors file: eight bytes of length, then JSON, then the tensors without gaps. */
final class SafetensorsHeader {
    /** The format's own limit. */
    private static final long LARGEST = 100_000_000;

    private SafetensorsHeader() {}

    static TensorTable read(MappedFile file) {
        Path path = file.path();
        ByteCursor cursor = new ByteCursor(path, file.bytes());
        long length = cursor.getLong("header length");
        if (length < 2 || length > LARGEST || length > cursor.remaining()) {
            throw new ModelFormatException(
                    path,
                    "header length",
                    0,
                    "2 to " + Math.min(LARGEST, cursor.remaining()) + " bytes",
                    Long.toUnsignedString(length),
                    "use a safetensors file that was downloaded as a whole");
        }
        long begin = cursor.offset() + length;
        long end = file.bytes().byteSize();
        byte[] json = file.bytes().asSlice(cursor.offset(), length).toArray(ValueLayout.JAVA_BYTE);
        TensorTable table = new TensorTable(path);
        JsonView.parse(json, path, "header").forEach((name, tensor) -> {
            if (!name.equals("__metadata__")) {
                add(table, name, tensor, begin, end);
            }
        });
        table.checkPlaces(begin, end);
        return table;
    }

    private static void add(TensorTable table, String name, JsonView tensor, long begin, long end) {
        String type = tensor.get("dtype").text();
        List<JsonView> offsets = tensor.get("data_offsets").elements();
        if (offsets.size() != 2) {
            throw tensor.get("data_offsets").invalid("two offsets");
        }
        long from = integer(offsets.get(0));
        long to = integer(offsets.get(1));
        if (from > to || to > end - begin) {
            throw tensor.get("data_offsets").invalid("offsets inside the " + (end - begin) + " bytes of data");
        }
        List<Long> shape = new ArrayList<>();
        for (JsonView dimension : tensor.get("shape").elements()) {
            shape.add(integer(dimension));
        }
        DType dtype = dtype(type);
        if (dtype == null) {
            table.addUnsupported(name, type, begin + from);
            return;
        }
        long bytes = dtype.blockBytes();
        try {
            for (long dimension : shape) {
                bytes = Math.multiplyExact(bytes, dimension);
            }
        } catch (ArithmeticException e) {
            throw tensor.get("shape").invalid("a shape whose bytes fit the file");
        }
        if (bytes != to - from) {
            throw tensor.get("data_offsets").invalid(bytes + " bytes for " + shape + " of " + type, (to - from) + " bytes");
        }
        table.add(new TensorInfo(name, dtype, shape, begin + from, bytes));
    }

    private static long integer(JsonView value) {
        if (!value.node().isIntegralNumber() || !value.node().canConvertToLong() || value.node().longValue() < 0) {
            throw value.invalid("an integer of 0 or more");
        }
        return value.node().longValue();
    }

    private static @Nullable DType dtype(String name) {
        return switch (name) {
            case "F32" -> DType.F32;
            case "F16" -> DType.F16;
            case "BF16" -> DType.BF16;
            case "I32" -> DType.I32;
            default -> null;
        };
    }
}
