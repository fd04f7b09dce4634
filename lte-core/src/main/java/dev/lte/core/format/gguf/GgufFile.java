package dev.lte.core.format.gguf;

import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.TensorTable;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An open GGUF file of version 2 or 3, little-endian. */
public final class GgufFile implements TensorFile {
    private final MappedFile file;
    private final int version;
    private final GgufMetadata metadata;
    private final TensorTable tensors;

    private GgufFile(MappedFile file, GgufReader.Content content) {
        this.file = file;
        version = content.version();
        metadata = content.metadata();
        tensors = content.tensors();
    }

    /**
     * @throws dev.lte.ModelFormatException if the file is damaged or no GGUF file
     * @throws dev.lte.UnsupportedModelException if it is of version 1, big-endian, or has nested arrays
     * @throws java.io.UncheckedIOException if it cannot be read
     */
    public static GgufFile open(Path file) {
        return of(MappedFile.open(file));
    }

    /** Takes the mapping over, and closes it if it is no GGUF file. */
    static GgufFile of(MappedFile file) {
        try {
            return new GgufFile(file, GgufReader.read(file.path(), file.bytes()));
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    public GgufMetadata metadata() {
        return metadata;
    }

    @Override
    public Path path() {
        return file.path();
    }

    @Override
    public String format() {
        return "GGUF v" + version;
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
        return tensors.bytes(tensor, file.bytes());
    }

    @Override
    public void close() {
        file.close();
    }
}
