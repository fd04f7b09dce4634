package dev.lte.core.format.gguf;

import dev.lte.Progress;
import dev.lte.backend.DType;
import dev.lte.core.format.FileOutput;
import dev.lte.core.format.TensorBody;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Writes GGUF files of version 3. Of the tensors no more is in memory than what their bodies hand over; the file stands beside
 * its target until it is complete.
 *
 * <p>Metadata values: Boolean, Integer (written as int32), Long (uint32, or what else it fits: uint64, int64), Float and Double
 * (float32), String, and arrays {@code boolean[]}, {@code int[]} (int32), {@code long[]} (int32, or int64 if an element needs
 * it), {@code float[]}, {@code double[]} (float64), {@code String[]}. What {@link GgufMetadata#values} gives can be written.
 */
public final class GgufWriter {
    private static final int VERSION = 3;
    private static final int ALIGNMENT = 32;
    private static final String ALIGNMENT_KEY = "general.alignment";

    /** Other programs take no more. */
    private static final int LONGEST_NAME = 63;

    private static final int LARGEST_RANK = 4;

    private final FileOutput out;

    private GgufWriter(FileOutput out) {
        this.out = out;
    }

    /** @param shape outermost dimension first */
    public record Entry(String name, DType dtype, List<Long> shape, TensorBody body) {
        /**
         * @throws IllegalArgumentException if GGUF cannot hold such a tensor
         * @throws ArithmeticException if no file can
         */
        public Entry {
            shape = List.copyOf(shape);
            if (name.isEmpty() || name.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME) {
                throw new IllegalArgumentException(
                        "expected a tensor name of 1 to " + LONGEST_NAME + " bytes, found '" + name + "'");
            }
            if (shape.size() > LARGEST_RANK || shape.stream().anyMatch(length -> length < 1)) {
                throw new IllegalArgumentException(
                        name + ": expected up to " + LARGEST_RANK + " dimensions of at least 1, found " + shape);
            }
            bytes(dtype, shape);
        }

        /** The size of the body. */
        public long bytes() {
            return bytes(dtype, shape);
        }

        private static long bytes(DType dtype, List<Long> shape) {
            long rows = 1;
            for (int i = 0; i < shape.size() - 1; i++) {
                rows = Math.multiplyExact(rows, shape.get(i));
            }
            return Math.multiplyExact(rows, dtype.byteSize(shape.isEmpty() ? 1 : shape.getLast()));
        }
    }

    public static void write(Path target, Map<String, Object> metadata, List<Entry> tensors) {
        write(target, metadata, tensors, progress -> {});
    }

    /**
     * @param target is replaced if it exists
     * @param tensors in the order in which their bodies are to be asked for
     * @param progress told of the bytes of tensors that are written; what it throws ends the writing
     * @throws IllegalArgumentException for a value of another type, and for two tensors of one name
     * @throws IllegalStateException if a body has not as many bytes as its tensor
     * @throws UncheckedIOException if the file cannot be written
     */
    public static void write(
            Path target, Map<String, Object> metadata, List<Entry> tensors, Consumer<Progress> progress) {
        checkNames(tensors);
        metadata.forEach(GgufWriter::checkValue);
        long total = tensors.stream().mapToLong(Entry::bytes).reduce(0, Math::addExact);
        try (FileOutput out = FileOutput.create(target, total, progress)) {
            new GgufWriter(out).write(metadata, tensors);
            out.commit();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + target, e);
        }
    }

    private static void checkNames(List<Entry> tensors) {
        Set<String> names = new HashSet<>();
        for (Entry tensor : tensors) {
            if (!names.add(tensor.name())) {
                throw new IllegalArgumentException(
                        "expected tensors of different names, found two of " + tensor.name());
            }
        }
    }

    private static void checkValue(String key, Object value) {
        switch (value) {
            case Boolean _, Integer _, Long _, Float _, Double _, String _ -> {}
            case boolean[] _, int[] _, long[] _, float[] _, double[] _ -> {}
            case String[] texts -> {
                for (String text : texts) {
                    Objects.requireNonNull(text, key);
                }
            }
            default ->
                throw new IllegalArgumentException(key + ": expected a value that GGUF has a type for, found a "
                        + value.getClass().getTypeName());
        }
        if (key.equals(ALIGNMENT_KEY) && !(value instanceof Number alignment && alignment.longValue() == ALIGNMENT)) {
            throw new IllegalArgumentException(key + ": expected " + ALIGNMENT + ", found " + value);
        }
    }

    private void write(Map<String, Object> metadata, List<Entry> tensors) throws IOException {
        out.write("GGUF".getBytes(StandardCharsets.US_ASCII));
        int32(VERSION);
        int64(tensors.size());
        int64(metadata.size());
        for (Map.Entry<String, Object> pair : metadata.entrySet()) {
            string(pair.getKey());
            value(pair.getValue());
        }
        long offset = 0;
        for (Entry tensor : tensors) {
            string(tensor.name());
            int32(tensor.shape().size());
            for (long length : tensor.shape().reversed()) {
                int64(length);
            }
            int32(GgufType.of(tensor.dtype()).id);
            int64(offset);
            offset = Math.addExact(offset, tensor.bytes());
            offset = Math.addExact(offset, -offset & ALIGNMENT - 1);
        }
        out.align(ALIGNMENT);
        for (Entry tensor : tensors) {
            out.tensor(tensor.name(), tensor.bytes(), tensor.body());
            out.align(ALIGNMENT);
        }
    }

    private void value(Object value) throws IOException {
        switch (value) {
            case Boolean flag -> {
                type(GgufValueType.BOOL);
                int8(flag);
            }
            case Integer number -> {
                type(GgufValueType.INT32);
                int32(number);
            }
            case Long number
            when number >= 0 && number <= 0xffffffffL -> {
                type(GgufValueType.UINT32);
                int32(number.intValue());
            }
            case Long number -> {
                type(number < 0 ? GgufValueType.INT64 : GgufValueType.UINT64);
                int64(number);
            }
            case Float number -> {
                type(GgufValueType.FLOAT32);
                float32(number);
            }
            case Double number -> {
                type(GgufValueType.FLOAT32);
                float32(number.floatValue());
            }
            case String text -> {
                type(GgufValueType.STRING);
                string(text);
            }
            default -> array(value);
        }
    }

    private void array(Object value) throws IOException {
        type(GgufValueType.ARRAY);
        switch (value) {
            case boolean[] flags -> {
                head(GgufValueType.BOOL, flags.length);
                for (boolean flag : flags) {
                    int8(flag);
                }
            }
            case int[] numbers -> {
                head(GgufValueType.INT32, numbers.length);
                for (int number : numbers) {
                    int32(number);
                }
            }
            case long[] numbers -> integers(numbers);
            case float[] numbers -> {
                head(GgufValueType.FLOAT32, numbers.length);
                for (float number : numbers) {
                    float32(number);
                }
            }
            case double[] numbers -> {
                head(GgufValueType.FLOAT64, numbers.length);
                for (double number : numbers) {
                    int64(Double.doubleToRawLongBits(number));
                }
            }
            case String[] texts -> {
                head(GgufValueType.STRING, texts.length);
                for (String text : texts) {
                    string(text);
                }
            }
            default -> throw new IllegalArgumentException(value.getClass().getTypeName());
        }
    }

    private void integers(long[] numbers) throws IOException {
        boolean small = true;
        for (long number : numbers) {
            small &= number == (int) number;
        }
        head(small ? GgufValueType.INT32 : GgufValueType.INT64, numbers.length);
        for (long number : numbers) {
            if (small) {
                int32((int) number);
            } else {
                int64(number);
            }
        }
    }

    private void head(GgufValueType type, int length) throws IOException {
        type(type);
        int64(length);
    }

    private void type(GgufValueType type) throws IOException {
        int32(type.ordinal());
    }

    private void string(String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int64(bytes.length);
        out.write(bytes);
    }

    private void int8(boolean flag) throws IOException {
        out.write(new byte[] {(byte) (flag ? 1 : 0)});
    }

    private void int32(int number) throws IOException {
        out.write(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .array());
    }

    private void int64(long number) throws IOException {
        out.write(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(number)
                .array());
    }

    private void float32(float number) throws IOException {
        int32(Float.floatToRawIntBits(number));
    }
}
