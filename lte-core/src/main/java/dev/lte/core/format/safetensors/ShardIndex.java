package dev.lte.core.format.safetensors;

import dev.lte.ModelFormatException;
import dev.lte.core.format.HeapBudget;
import dev.lte.core.format.MappedFile;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JsonToken;

/** Reads the index of a model in several files: {@code {"weight_map": {"tensor": "file", ...}}}. */
final class ShardIndex {
    /** Heap of an entry in the maps of an open model, without its name. */
    private static final int ENTRY_BYTES = 200;

    private ShardIndex() {}

    /** The names of files, all in the directory of the index, by the names of tensors, in the order of the index. */
    static Map<String, String> read(Path index) {
        try (MappedFile file = MappedFile.open(index)) {
            return read(file);
        }
    }

    static Map<String, String> read(MappedFile file) {
        HeapBudget budget = new HeapBudget(file);
        Map<String, String> weightMap = new LinkedHashMap<>();
        try (JsonStream in = new JsonStream(file, budget, 0, file.size(), "index")) {
            in.expect(JsonToken.START_OBJECT);
            boolean found = false;
            while (in.nextMember()) {
                if (!in.name().equals("weight_map")) {
                    in.skip();
                } else if (found) {
                    throw in.invalid("one weight_map", "a second");
                } else {
                    found = true;
                    in.at("weight_map");
                    entries(file, budget, in, weightMap);
                    in.at("index");
                }
            }
            in.end();
        }
        if (weightMap.isEmpty()) {
            throw new ModelFormatException(
                    file.path(), "weight_map", ModelFormatException.NO_OFFSET, "names of tensors and files", "none");
        }
        return weightMap;
    }

    private static void entries(MappedFile file, HeapBudget budget, JsonStream in, Map<String, String> weightMap) {
        Map<String, String> shards = new HashMap<>();
        in.expect(JsonToken.START_OBJECT);
        while (in.nextMember()) {
            String tensor = in.name();
            budget.charge(ENTRY_BYTES, tensor, ModelFormatException.NO_OFFSET);
            String shard = in.string();
            if (!isPlainName(shard)) {
                throw new ModelFormatException(
                        file.path(),
                        "weight_map." + tensor,
                        ModelFormatException.NO_OFFSET,
                        "the name of a file beside the index",
                        "'" + shard + "'");
            }
            String known = shards.putIfAbsent(shard, shard);
            if (weightMap.putIfAbsent(tensor, known == null ? shard : known) != null) {
                throw in.invalid("a tensor once", "a second " + tensor);
            }
        }
    }

    /** Whether a name cannot lead out of its directory, on any system. */
    private static boolean isPlainName(String name) {
        if (name.isEmpty() || name.equals(".") || name.equals("..")) {
            return false;
        }
        if (name.contains("/") || name.contains("\\") || name.contains(":")) {
            return false;
        }
        try {
            return Path.of(name).getNameCount() == 1;
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
