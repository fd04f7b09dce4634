package dev.lte.core.format;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tensors of a file by name, checked to lie inside of it, apart from each other. */
public final class TensorTable {
    private final Path file;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Map<String, String> unsupported = new LinkedHashMap<>();

    public TensorTable(Path file) {
        this.file = file;
    }

    /** @throws ModelFormatException if there is one of this name already */
    public void add(TensorInfo tensor) {
        requireNew(tensor.name(), tensor.offset());
        tensors.put(tensor.name(), tensor);
    }

    /** A tensor of a type that LTE does not have. */
    public void addUnsupported(String name, String type, long offset) {
        requireNew(name, offset);
        unsupported.put(name, type);
    }

    private void requireNew(String name, long offset) {
        if (tensors.containsKey(name) || unsupported.containsKey(name)) {
            throw new ModelFormatException(file, name, offset, "a name of its own", "a second tensor of this name");
        }
    }

    /** Makes sure that every tensor lies between two offsets and shares no byte with another. */
    public void checkPlaces(long begin, long end) {
        List<TensorInfo> ordered = new ArrayList<>(tensors.values());
        ordered.sort(Comparator.comparingLong(TensorInfo::offset));
        long free = begin;
        String before = "";
        for (TensorInfo tensor : ordered) {
            if (tensor.bytes() == 0) {
                continue;
            }
            if (tensor.offset() < begin || tensor.offset() > end || tensor.bytes() > end - tensor.offset()) {
                throw new ModelFormatException(
                        file,
                        tensor.name(),
                        tensor.offset(),
                        tensor.bytes() + " bytes inside the data, which goes from " + begin + " to " + end,
                        "a place outside of it");
            }
            if (tensor.offset() < free) {
                throw new ModelFormatException(
                        file, tensor.name(), tensor.offset(), "a place of its own", "bytes that " + before + " has, too");
            }
            free = tensor.offset() + tensor.bytes();
            before = tensor.name();
        }
    }

    public List<TensorInfo> tensors() {
        return List.copyOf(tensors.values());
    }

    public Map<String, String> unsupported() {
        return Map.copyOf(unsupported);
    }

    /** As {@link TensorFile#find}. */
    public @Nullable TensorInfo find(String name) {
        String type = unsupported.get(name);
        if (type != null) {
            throw new UnsupportedModelException(
                    file + ": " + name + " is of type " + type + ", which is not supported",
                    "convert the model to another type, such as Q8_0");
        }
        return tensors.get(name);
    }

    /** The bytes of one of these tensors. */
    public MemorySegment bytes(TensorInfo tensor, MemorySegment all) {
        if (tensors.get(tensor.name()) != tensor) {
            throw new IllegalArgumentException(tensor.name() + " is not a tensor of " + file);
        }
        return all.asSlice(tensor.offset(), tensor.bytes());
    }
}
