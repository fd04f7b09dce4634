package dev.lte.core.format.safetensors;

import dev.lte.ModelFormatException;
import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.TensorTable;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An open safetensors file. */
public final class SafetensorsFile implements TensorFile {
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    private final MappedFile file;
    private final TensorTable tensors;

    private SafetensorsFile(MappedFile file, TensorTable tensors) {
        this.file = file;
        this.tensors = tensors;
    }

    /**
     * @param fileOrDirectory a file, or a directory with model.safetensors or model.safetensors.index.json
     * @throws ModelFormatException if a file is damaged or missing
     */
    public static TensorFile open(Path fileOrDirectory) {
        if (!Files.isDirectory(fileOrDirectory)) {
            return of(MappedFile.open(fileOrDirectory));
        }
        Path single = fileOrDirectory.resolve(SINGLE);
        if (Files.exists(single)) {
            return of(MappedFile.open(single));
        }
        if (Files.exists(fileOrDirectory.resolve(INDEX))) {
            return ShardedSafetensors.open(fileOrDirectory);
        }
        throw new ModelFormatException(
                fileOrDirectory,
                "weights",
                ModelFormatException.NO_OFFSET,
                SINGLE + " or " + INDEX,
                "neither",
                "download the model's safetensors files");
    }

    /** Takes the mapping over, and closes it if it is no safetensors file. */
    static SafetensorsFile of(MappedFile file) {
        try {
            return new SafetensorsFile(file, SafetensorsHeader.read(file));
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
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
        return tensors.bytes(tensor, file.bytes());
    }

    @Override
    public void close() {
        file.close();
    }
}
