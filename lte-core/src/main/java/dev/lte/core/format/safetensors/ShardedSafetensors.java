package dev.lte.core.format.safetensors;

import dev.lte.ModelFormatException;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model in several safetensors files of one directory. Offsets of tensors count within the file that each is in. */
final class ShardedSafetensors implements TensorFile {
    private final Path directory;
    private final List<SafetensorsFile> shards;
    private final List<TensorInfo> tensors = new ArrayList<>();
    private final Map<String, SafetensorsFile> shardOf = new HashMap<>();
    private final Map<String, String> unsupported = new LinkedHashMap<>();

    private ShardedSafetensors(
            Path directory, Path index, List<SafetensorsFile> shards, Map<String, String> weightMap) {
        this.directory = directory;
        this.shards = shards;
        for (SafetensorsFile shard : shards) {
            tensors.addAll(shard.tensors());
            unsupported.putAll(shard.unsupported());
            shard.tensors().forEach(tensor -> put(tensor.name(), shard));
            shard.unsupported().keySet().forEach(name -> put(name, shard));
        }
        weightMap.forEach((name, shardName) -> {
            SafetensorsFile shard = shardOf.get(name);
            if (shard == null || !shard.path().equals(directory.resolve(shardName))) {
                throw new ModelFormatException(
                        index,
                        "weight_map." + name,
                        ModelFormatException.NO_OFFSET,
                        "a tensor in " + shardName,
                        shard == null ? "none" : "it in " + shard.path().getFileName());
            }
        });
    }

    private void put(String name, SafetensorsFile shard) {
        SafetensorsFile other = shardOf.put(name, shard);
        if (other != null) {
            throw new ModelFormatException(
                    shard.path(),
                    "tensor " + name,
                    ModelFormatException.NO_OFFSET,
                    "a name of its own",
                    "one in " + other.path().getFileName() + ", too");
        }
    }

    static ShardedSafetensors open(Path directory, Path index) {
        Map<String, String> weightMap = ShardIndex.read(index);
        List<SafetensorsFile> shards = new ArrayList<>();
        try {
            for (String shard : weightMap.values().stream().distinct().toList()) {
                shards.add(SafetensorsFile.openFile(directory.resolve(shard)));
            }
            return new ShardedSafetensors(directory, index, shards, weightMap);
        } catch (RuntimeException | Error e) {
            shards.forEach(SafetensorsFile::close);
            throw e;
        }
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
        return Collections.unmodifiableList(tensors);
    }

    @Override
    public @Nullable TensorInfo find(String name) {
        SafetensorsFile shard = shardOf.get(name);
        return shard == null ? null : shard.find(name);
    }

    @Override
    public Map<String, String> unsupported() {
        return Collections.unmodifiableMap(unsupported);
    }

    @Override
    public MemorySegment bytes(TensorInfo tensor) {
        SafetensorsFile shard = shardOf.get(tensor.name());
        if (shard == null) {
            throw new IllegalArgumentException("expected a tensor of " + directory + ", found " + tensor);
        }
        return shard.bytes(tensor);
    }

    @Override
    public void close() {
        shards.forEach(SafetensorsFile::close);
    }
}
