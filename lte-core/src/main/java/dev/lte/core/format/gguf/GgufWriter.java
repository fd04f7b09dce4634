package dev.lte.core.format.gguf;

import dev.lte.Progress;
import dev.lte.backend.DType;
import dev.lte.core.format.AtomicFile;
import dev.lte.core.format.ChannelSink;
import dev.lte.core.format.TensorBody;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Writes GGUF files of version 3, piece by piece. */
public final class GgufWriter {
    private static final long ALIGNMENT = 32;

    private final ByteArrayOutputStream head = new ByteArrayOutputStream();
    private final ByteBuffer number = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);

    private GgufWriter() {}

    /** @param shape outermost dimension first */
    public record Entry(String name, DType dtype, List<Long> shape, TensorBody body) {
        public Entry {
            shape = List.copyOf(shape);
        }

        long bytes() {
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
     * @param metadata values are Boolean, Long (written as uint32 if it fits, else as uint64, or as int64 if negative), Integer
     *     (int32), Float and Double (float32), String, and arrays of boolean, int, long (int64), float and String
     * @param progress told of the bytes of tensors that are written
     * @throws java.io.UncheckedIOException if the file cannot be written
     */
    public static void write(
            Path target, Map<String, Object> metadata, List<Entry> tensors, Consumer<Progress> progress) {
        byte[] head = new GgufWriter().head(metadata, tensors);
        long total = tensors.stream().mapToLong(Entry::bytes).sum();
        AtomicFile.write(target, channel -> {
            ByteBuffer bytes = ByteBuffer.wrap(head);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            ChannelSink sink = new ChannelSink(channel, "writing weights", total, progress);
            for (Entry tensor : tensors) {
                sink.pad(ALIGNMENT);
                sink.writeTensor(tensor.name(), tensor.bytes(), tensor.body());
            }
            sink.pad(ALIGNMENT);
        });
    }

    private byte[] head(Map<String, Object> metadata, List<Entry> tensors) {
        head.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        putInt(3);
        putLong(tensors.size());
        putLong(metadata.size());
        metadata.forEach(this::putPair);
        long offset = 0;
        for (Entry tensor : tensors) {
            putText(tensor.name());
            putInt(tensor.shape().size());
            for (int i = tensor.shape().size() - 1; i >= 0; i--) {
                putLong(tensor.shape().get(i));
            }
            putInt(GgmlTypes.id(tensor.dtype()));
            putLong(offset);
            offset = Math.ceilDiv(offset + tensor.bytes(), ALIGNMENT) * ALIGNMENT;
        }
        return head.toByteArray();
    }

    private void putPair(String key, Object value) {
        putText(key);
        switch (value) {
            case Boolean flag -> {
                putInt(7);
                head.write(flag ? 1 : 0);
            }
            case Integer integer -> {
                putInt(5);
                putInt(integer);
            }
            case Long integer -> {
                if (integer >= 0 && integer <= 0xFFFF_FFFFL) {
                    putInt(4);
                    putInt(integer.intValue());
                } else {
                    putInt(integer < 0 ? 11 : 10);
                    putLong(integer);
                }
            }
            case Float real -> {
                putInt(6);
                putInt(Float.floatToRawIntBits(real));
            }
            case Double real -> {
                putInt(6);
                putInt(Float.floatToRawIntBits(real.floatValue()));
            }
            case String text -> {
                putInt(8);
                putText(text);
            }
            case boolean[] flags -> {
                putArray(7, flags.length);
                for (boolean flag : flags) {
                    head.write(flag ? 1 : 0);
                }
            }
            case int[] integers -> {
                putArray(5, integers.length);
                for (int integer : integers) {
                    putInt(integer);
                }
            }
            case long[] integers -> {
                putArray(11, integers.length);
                for (long integer : integers) {
                    putLong(integer);
                }
            }
            case float[] reals -> {
                putArray(6, reals.length);
                for (float real : reals) {
                    putInt(Float.floatToRawIntBits(real));
                }
            }
            case double[] reals -> {
                putArray(12, reals.length);
                for (double real : reals) {
                    putLong(Double.doubleToRawLongBits(real));
                }
            }
            case String[] texts -> {
                putArray(8, texts.length);
                for (String text : texts) {
                    putText(text);
                }
            }
            default ->
                throw new IllegalArgumentException(
                        key + ": expected a value that GGUF can hold, found " + value.getClass().getName());
        }
    }

    private void putArray(int type, int length) {
        putInt(9);
        putInt(type);
        putLong(length);
    }

    private void putText(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        putLong(bytes.length);
        head.writeBytes(bytes);
    }

    private void putInt(int value) {
        number.clear().putInt(value);
        head.write(number.array(), 0, Integer.BYTES);
    }

    private void putLong(long value) {
        number.clear().putLong(value);
        head.write(number.array(), 0, Long.BYTES);
    }
}
