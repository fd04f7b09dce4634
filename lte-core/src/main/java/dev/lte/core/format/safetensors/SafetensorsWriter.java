package dev.lte.core.format.safetensors;

import dev.lte.Progress;
import dev.lte.backend.DType;
import dev.lte.core.format.AtomicFile;
import dev.lte.core.format.ChannelSink;
import dev.lte.core.format.TensorBody;
import dev.lte.core.io.JsonView;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes safetensors files, piece by piece. */
public final class SafetensorsWriter {
    /** Headers are padded with blanks, so that tensors begin where any element type may. */
    private static final int ALIGNMENT = 8;

    private SafetensorsWriter() {}

    /** @param shape outermost dimension first */
    public record Entry(String name, DType dtype, List<Long> shape, TensorBody body) {
        public Entry {
            shape = List.copyOf(shape);
            switch (dtype) {
                case F32, F16, BF16, I32 -> {}
                default -> throw new IllegalArgumentException(name + ": safetensors has no type " + dtype);
            }
        }

        long bytes() {
            long bytes = dtype.blockBytes();
            for (long dimension : shape) {
                bytes = Math.multiplyExact(bytes, dimension);
            }
            return bytes;
        }
    }

    /**
     * @param progress told of the bytes of tensors that are written
     * @throws java.io.UncheckedIOException if the file cannot be written
     */
    public static void write(
            Path target, Map<String, String> metadata, List<Entry> tensors, Consumer<Progress> progress) {
        byte[] header = header(metadata, tensors);
        long total = tensors.stream().mapToLong(Entry::bytes).sum();
        AtomicFile.write(target, channel -> {
            ByteBuffer bytes = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.putLong(header.length).put(header).flip();
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            ChannelSink sink = new ChannelSink(channel, "writing weights", total, progress);
            for (Entry tensor : tensors) {
                sink.writeTensor(tensor.name(), tensor.bytes(), tensor.body());
            }
        });
    }

    private static byte[] header(Map<String, String> metadata, List<Entry> tensors) {
        ObjectNode root = JsonView.mapper().createObjectNode();
        if (!metadata.isEmpty()) {
            ObjectNode node = root.putObject("__metadata__");
            metadata.forEach(node::put);
        }
        long offset = 0;
        for (Entry tensor : tensors) {
            ObjectNode node = root.putObject(tensor.name());
            node.put("dtype", tensor.dtype().name());
            ArrayNode shape = node.putArray("shape");
            tensor.shape().forEach(shape::add);
            node.putArray("data_offsets").add(offset).add(offset + tensor.bytes());
            offset += tensor.bytes();
        }
        byte[] json = JsonView.mapper().writeValueAsBytes(root);
        byte[] padded = Arrays.copyOf(json, Math.ceilDiv(json.length, ALIGNMENT) * ALIGNMENT);
        Arrays.fill(padded, json.length, padded.length, (byte) ' ');
        return padded;
    }
}
