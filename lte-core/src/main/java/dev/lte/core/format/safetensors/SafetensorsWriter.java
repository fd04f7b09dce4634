package dev.lte.core.format.safetensors;

import dev.lte.Progress;
import dev.lte.backend.DType;
import dev.lte.core.format.FileOutput;
import dev.lte.core.format.TensorBody;
import dev.lte.core.io.JsonView;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes safetensors files. Of the tensors no more is in memory than what their bodies hand over; the file stands beside its
 * target until it is complete.
 */
public final class SafetensorsWriter {
    /** The header ends at a multiple of this, so that every tensor is aligned. */
    private static final int ALIGNMENT = 8;

    private SafetensorsWriter() {}

    /** @param shape outermost dimension first */
    public record Entry(String name, DType dtype, List<Long> shape, TensorBody body) {
        /**
         * @throws IllegalArgumentException if safetensors cannot hold such a tensor
         * @throws ArithmeticException if no file can
         */
        public Entry {
            shape = List.copyOf(shape);
            if (name.isEmpty() || name.equals("__metadata__")) {
                throw new IllegalArgumentException("expected a name for a tensor, found '" + name + "'");
            }
            SafetensorsType.nameOf(dtype);
            if (shape.stream().anyMatch(length -> length < 0)) {
                throw new IllegalArgumentException(name + ": expected no negative dimension, found " + shape);
            }
            bytes(dtype, shape);
        }

        /** The size of the body. */
        public long bytes() {
            return bytes(dtype, shape);
        }

        private static long bytes(DType dtype, List<Long> shape) {
            return dtype.byteSize(shape.stream().reduce(1L, Math::multiplyExact));
        }
    }

    /**
     * @param target is replaced if it exists
     * @param metadata what the file says about itself; for Hugging Face's loaders {@code format} must be {@code pt}
     * @param tensors are written those of the largest elements first, so that all are aligned, else in this order
     * @param progress told of the bytes of tensors that are written; what it throws ends the writing
     * @throws IllegalArgumentException for two tensors of one name
     * @throws IllegalStateException if a body has not as many bytes as its tensor
     * @throws UncheckedIOException if the file cannot be written
     */
    public static void write(
            Path target, Map<String, String> metadata, List<Entry> tensors, Consumer<Progress> progress) {
        write(target, metadata, tensors, null, progress);
    }

    /**
     * As {@link #write}, with a check sum that {@link SafetensorsFile#requireChecksum} compares.
     *
     * @param checksum the name of one tensor more, the last, (1) of I32: the CRC-32C of all bytes before it
     */
    public static void writeWithChecksum(
            Path target, Map<String, String> metadata, List<Entry> tensors, String checksum) {
        write(target, metadata, tensors, checksum, progress -> {});
    }

    private static void write(
            Path target,
            Map<String, String> metadata,
            List<Entry> tensors,
            @Nullable String checksum,
            Consumer<Progress> progress) {
        List<Entry> sorted = tensors.stream()
                .sorted(Comparator.comparingInt((Entry tensor) -> tensor.dtype().blockBytes())
                        .reversed())
                .toList();
        List<Entry> listed = new ArrayList<>(sorted);
        if (checksum != null) {
            listed.add(new Entry(checksum, DType.I32, List.of(1L), sink -> {}));
        }
        byte[] header = header(metadata, listed);
        long total = tensors.stream().mapToLong(Entry::bytes).reduce(0, Math::addExact);
        try (FileOutput out = FileOutput.create(target, total, progress)) {
            out.write(ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(header.length)
                    .array());
            out.write(header);
            for (Entry tensor : sorted) {
                out.tensor(tensor.name(), tensor.bytes(), tensor.body());
            }
            if (checksum != null) {
                out.tensor(checksum, Integer.BYTES, sink -> sink.write(sum(out)));
            }
            out.commit();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + target, e);
        }
    }

    private static MemorySegment sum(FileOutput out) {
        byte[] bytes = ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(out.checksum())
                .array();
        return MemorySegment.ofArray(bytes);
    }

    private static byte[] header(Map<String, String> metadata, List<Entry> tensors) {
        ObjectNode root = JsonView.mapper().createObjectNode();
        if (!metadata.isEmpty()) {
            ObjectNode pairs = root.putObject("__metadata__");
            metadata.forEach(pairs::put);
        }
        long offset = 0;
        for (Entry tensor : tensors) {
            if (root.has(tensor.name())) {
                throw new IllegalArgumentException(
                        "expected tensors of different names, found two of " + tensor.name());
            }
            ObjectNode entry = root.putObject(tensor.name());
            entry.put("dtype", SafetensorsType.nameOf(tensor.dtype()));
            ArrayNode shape = entry.putArray("shape");
            tensor.shape().forEach(shape::add);
            long end = Math.addExact(offset, tensor.bytes());
            entry.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        byte[] json = JsonView.mapper().writeValueAsBytes(root);
        byte[] padded = new byte[(json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT];
        Arrays.fill(padded, (byte) ' ');
        System.arraycopy(json, 0, padded, 0, json.length);
        return padded;
    }
}
