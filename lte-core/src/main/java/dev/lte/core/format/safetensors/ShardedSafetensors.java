package dev.lte.core.format.safetensors;

import dev.lte.ModelFormatException;
import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.io.FileContent;
import dev.lte.core.io.JsonView;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A directory of safetensors files with an index that says which tensor is in which. */
final class ShardedSafetensors implements TensorFile {
    private final Path directory;
    private final Map<String, SafetensorsFile> shards;
    private final Map<String, SafetensorsFile> shardOfTensor;

    private ShardedSafetensors(
            Path directory, Map<String, SafetensorsFile> shards, Map<String, SafetensorsFile> shardOfTensor) {
        this.directory = directory;
        this.shards = shards;
        this.shardOfTensor = shardOfTensor;
    }

    static ShardedSafetensors open(Path directory) {
        Path index = directory.resolve(SafetensorsFile.INDEX);
        Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
        Map<String, SafetensorsFile> shardOfTensor = new LinkedHashMap<>();
        try {
            JsonView.parse(FileContent.of(index), index, "index").get("weight_map").forEach((tensor, name) -> {
                SafetensorsFile shard = shards.computeIfAbsent(name.text(), file -> openShard(directory, file, name));
                if (shard.tensors().stream().noneMatch(found -> found.name().equals(tensor))
                        && !shard.unsupported().containsKey(tensor)) {
                    throw name.invalid("a file with the tensor " + tensor, name.text() + ", which has none of this name");
                }
                shardOfTensor.put(tensor, shard);
            });
            return new ShardedSafetensors(directory, shards, shardOfTensor);
        } catch (RuntimeException | Error e) {
            shards.values().forEach(SafetensorsFile::close);
            throw e;
        }
    }

    /** Names come from the file: one with a path in it could point anywhere. */
    private static SafetensorsFile openShard(Path directory, String file, JsonView place) {
        if (!file.matches("[A-Za-z0-9._-]+\\.safetensors") || file.startsWith(".")) {
            throw place.invalid("the name of a safetensors file in the same directory");
        }
        Path shard = directory.resolve(file);
        if (!Files.isRegularFile(shard)) {
            throw new ModelFormatException(
                    directory,
                    file,
                    ModelFormatException.NO_OFFSET,
                    "the file that the index names",
                    "no such file",
                    "download all parts of the model");
        }
        return SafetensorsFile.of(MappedFile.open(shard));
    }

    @Override
    public Path path() {
        return directory;
    }

    @Override
    public String format() {
        return "safetensors, " + shards.size() + " files";
    }

    @Override
    public List<TensorInfo> tensors() {
        List<TensorInfo> all = new ArrayList<>();
        for (SafetensorsFile shard : shards.values()) {
            for (TensorInfo tensor : shard.tensors()) {
                if (shardOfTensor.get(tensor.name()) == shard) {
                    all.add(tensor);
                }
            }
        }
        return all;
    }

    @Override
    public @Nullable TensorInfo find(String name) {
        SafetensorsFile shard = shardOfTensor.get(name);
        return shard == null ? null : shard.find(name);
    }

    @Override
    public Map<String, String> unsupported() {
        Map<String, String> all = new LinkedHashMap<>();
        shards.values().forEach(shard -> all.putAll(shard.unsupported()));
        return all;
    }

    @Override
    public MemorySegment bytes(TensorInfo tensor) {
        SafetensorsFile shard = shardOfTensor.get(tensor.name());
        if (shard == null) {
            throw new IllegalArgumentException(tensor.name() + " is not a tensor of " + directory);
        }
        return shard.bytes(tensor);
    }

    @Override
    public void close() {
        shards.values().forEach(SafetensorsFile::close);
    }
}
