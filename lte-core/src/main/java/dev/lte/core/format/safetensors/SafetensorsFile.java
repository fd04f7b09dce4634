package dev.lte.core.format.safetensors;

import dev.lte.ModelFormatException;
import dev.lte.core.format.Checksums;
import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.TensorTable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An open safetensors file: 8 bytes that say how long the header is, the header in JSON, the tensors without gaps.
 *
 * <pre>
 * {"__metadata__": {"key": "text", ...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
 * </pre>
 *
 * Source: github.com/huggingface/safetensors, README and safetensors/src/tensor.rs.
 */
public final class SafetensorsFile implements TensorFile {
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    private static final ValueLayout.OfInt SUM = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final String REMEDY =
            "the file was damaged after it was written: use another copy or an earlier one";

    private final MappedFile file;
    private final Map<String, String> metadata;
    private final TensorTable tensors;

    private SafetensorsFile(MappedFile file) {
        this.file = file;
        SafetensorsHeader header = new SafetensorsHeader(file);
        metadata = Collections.unmodifiableMap(header.metadata());
        tensors = header.tensors();
    }

    /**
     * Opens a file, or all the files of a model.
     *
     * @param fileOrDirectory a directory has {@value #SINGLE}, or {@value #INDEX} and the files that it names
     * @throws ModelFormatException if a file is damaged or missing
     * @throws java.io.UncheckedIOException if it cannot be read
     */
    public static TensorFile open(Path fileOrDirectory) {
        if (!Files.isDirectory(fileOrDirectory)) {
            return openFile(fileOrDirectory);
        }
        Path single = fileOrDirectory.resolve(SINGLE);
        Path index = fileOrDirectory.resolve(INDEX);
        if (Files.exists(single)) {
            return openFile(single);
        }
        if (Files.exists(index)) {
            return ShardedSafetensors.open(fileOrDirectory, index);
        }
        throw new ModelFormatException(
                fileOrDirectory,
                "directory",
                ModelFormatException.NO_OFFSET,
                SINGLE + " or " + INDEX,
                "neither",
                "name the file, or convert the model to safetensors");
    }

    static SafetensorsFile openFile(Path file) {
        MappedFile mapped = MappedFile.open(file);
        try {
            return of(mapped);
        } catch (RuntimeException | Error e) {
            mapped.close();
            throw e;
        }
    }

    /** The file belongs to the result from then on, unless an exception is thrown. */
    static SafetensorsFile of(MappedFile file) {
        return new SafetensorsFile(file);
    }

    /** What the file says about itself, in order. */
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public Path path() {
        return file.path();
    }

    @Override
    public String format() {
        return "safetensors";
    }

    @Override
    public List<TensorInfo> tensors() {
        return tensors.tensors();
    }

    @Override
    public @Nullable TensorInfo find(String name) {
        return tensors.find(name);
    }

    @Override
    public Map<String, String> unsupported() {
        return tensors.unsupported();
    }

    @Override
    public MemorySegment bytes(TensorInfo tensor) {
        return tensors.bytes(tensor);
    }

    /**
     * Reads the whole file.
     *
     * @param name of the tensor that {@link SafetensorsWriter#writeWithChecksum} wrote
     * @throws ModelFormatException if there is none, or it is not the sum of the bytes before it
     */
    public void requireChecksum(String name) {
        TensorInfo tensor = find(name);
        if (tensor == null || tensor.bytes() != Integer.BYTES || tensor.offset() + tensor.bytes() != file.size()) {
            throw new ModelFormatException(
                    path(), name, ModelFormatException.NO_OFFSET, "a check sum at the end of the file", "none", REMEDY);
        }
        int recorded = file.bytes().get(SUM, tensor.offset());
        int found = Checksums.crc32c(file.bytes().asSlice(0, tensor.offset()));
        if (recorded != found) {
            throw new ModelFormatException(
                    path(), name, tensor.offset(), Integer.toHexString(recorded), Integer.toHexString(found), REMEDY);
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
