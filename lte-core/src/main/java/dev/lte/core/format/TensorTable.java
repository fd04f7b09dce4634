package dev.lte.core.format;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tensors of one file, checked against its size and against one another. Immutable. */
public final class TensorTable {
    private final MappedFile file;
    private final List<TensorInfo> tensors;
    private final Map<String, TensorInfo> byName;
    private final Map<String, String> unsupported;

    private TensorTable(Builder builder) {
        file = builder.file;
        tensors = List.copyOf(builder.tensors);
        byName = builder.byName;
        unsupported = builder.unsupported;
    }

    /** In the order in which they were added. */
    public List<TensorInfo> tensors() {
        return tensors;
    }

    /** See {@link TensorFile#unsupported}. */
    public Map<String, String> unsupported() {
        return Collections.unmodifiableMap(unsupported);
    }

    /** See {@link TensorFile#find}. */
    public @Nullable TensorInfo find(String name) {
        TensorInfo tensor = byName.get(name);
        if (tensor == null && unsupported.containsKey(name)) {
            throw new UnsupportedModelException(
                    file.path() + ": tensor " + name + " is of type " + unsupported.get(name)
                            + ", which is not supported",
                    "use a version of the model in another type");
        }
        return tensor;
    }

    /**
     * The bytes of a tensor of this file.
     *
     * @throws IllegalArgumentException if it is of another
     */
    public MemorySegment bytes(TensorInfo tensor) {
        if (!tensor.equals(byName.get(tensor.name()))) {
            throw new IllegalArgumentException("expected a tensor of " + file.path() + ", found " + tensor);
        }
        return file.bytes().asSlice(tensor.offset(), tensor.bytes());
    }

    /** Collects the tensors of an untrusted file. Not thread-safe. */
    public static final class Builder {
        /** Heap of a tensor's entries in lists and maps, without its name. */
        private static final int HEAP_BYTES = 400;

        private static final int LARGEST_RANK = 8;

        private final MappedFile file;
        private final HeapBudget budget;
        private final List<TensorInfo> tensors = new ArrayList<>();
        private final Map<String, TensorInfo> byName = new HashMap<>();
        private final Map<String, String> unsupported = new LinkedHashMap<>();
        private final List<Range> ranges = new ArrayList<>();

        public Builder(MappedFile file, HeapBudget budget) {
            this.file = file;
            this.budget = budget;
        }

        /**
         * @param shape outermost dimension first
         * @param offset of its first byte in the file
         * @throws ModelFormatException if the tensor does not fit into the file, its shape is impossible or its name known
         */
        public TensorInfo add(String name, DType dtype, List<Long> shape, long offset) {
            long bytes = size(name, dtype.name(), dtype.blockSize(), dtype.blockBytes(), shape, offset);
            reserve(name, offset, bytes);
            TensorInfo tensor = new TensorInfo(name, dtype, shape, offset, bytes);
            tensors.add(tensor);
            byName.put(name, tensor);
            return tensor;
        }

        /**
         * A tensor that cannot be read.
         *
         * @param bytes its size, or 0 if it is unknown
         */
        public void addUnsupported(String name, String type, long offset, long bytes) {
            reserve(name, offset, bytes);
            unsupported.put(name, type);
        }

        /**
         * Bytes of a tensor of any type.
         *
         * @throws ModelFormatException if no tensor can have this shape
         */
        public long size(String name, String type, int blockSize, int blockBytes, List<Long> shape, long offset) {
            if (shape.size() > LARGEST_RANK) {
                throw invalid(name, offset, "at most " + LARGEST_RANK + " dimensions", Integer.toString(shape.size()));
            }
            long elements = 1;
            boolean empty = false;
            for (long length : shape) {
                empty |= length == 0;
                long factor = Math.max(length, 1);
                if (length < 0 || elements > Long.MAX_VALUE / factor) {
                    throw invalid(name, offset, "a shape of less than 2^63 elements", shape.toString());
                }
                elements *= factor;
            }
            long columns = shape.isEmpty() ? 1 : shape.getLast();
            if (columns % blockSize != 0) {
                throw invalid(
                        name,
                        offset,
                        "rows of whole " + type + " blocks of " + blockSize + " elements",
                        shape.toString());
            }
            if (elements / blockSize > Long.MAX_VALUE / blockBytes) {
                throw invalid(name, offset, "a shape of less than 2^63 bytes", shape + " of type " + type);
            }
            if (empty) {
                return 0;
            }
            if (elements / blockSize > file.size() / blockBytes) {
                throw invalid(
                        name,
                        offset,
                        "at most " + file.size() + " bytes, as the file has",
                        "shape " + shape.toString() + " of type " + type);
            }
            return elements / blockSize * blockBytes;
        }

        private void reserve(String name, long offset, long bytes) {
            budget.charge(HEAP_BYTES, name, offset);
            if (offset < 0 || offset > file.size() || bytes > file.size() - offset) {
                throw invalid(
                        name,
                        offset,
                        bytes + " bytes inside the file of " + file.size() + " bytes",
                        "its end before them");
            }
            if (byName.containsKey(name) || unsupported.containsKey(name)) {
                throw invalid(name, offset, "a name of its own", "a second tensor of this name");
            }
            ranges.add(new Range(name, offset, bytes));
        }

        /** The bytes of all tensors. */
        public long bytes() {
            long sum = 0;
            for (Range range : ranges) {
                sum = Math.addExact(sum, range.bytes);
            }
            return sum;
        }

        /** @throws ModelFormatException if tensors overlap */
        public TensorTable build() {
            ranges.removeIf(range -> range.bytes == 0);
            ranges.sort(Comparator.comparingLong(Range::offset));
            for (int i = 1; i < ranges.size(); i++) {
                Range before = ranges.get(i - 1);
                Range range = ranges.get(i);
                if (range.offset - before.offset < before.bytes) {
                    throw invalid(
                            range.name,
                            range.offset,
                            "a place behind " + before.name + ", which ends at " + (before.offset + before.bytes),
                            "tensors that overlap");
                }
            }
            return new TensorTable(this);
        }

        private ModelFormatException invalid(String name, long offset, String expected, String found) {
            return new ModelFormatException(file.path(), "tensor " + name, offset, expected, found);
        }

        private record Range(String name, long offset, long bytes) {}
    }
}
