package dev.lte.core.format.gguf;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.core.format.HeapBudget;
import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.TensorTable;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An open GGUF file of version 2 or 3, little-endian. All of it before the tensors is read when it is opened; the heap that
 * this takes is less than the size of the file and 64 MB, whatever the file says.
 *
 * <pre>
 * "GGUF" version:4 tensors:8 pairs:8
 * pair    key type:4 value            string = length:8 bytes, array = type:4 length:8 values
 * tensor  name rank:4 dims:8... type:4 offset:8      innermost dimension first
 * padding to a multiple of general.alignment; there the offsets count from
 * </pre>
 *
 * Source: docs/gguf.md of ggml.
 */
public final class GgufFile implements TensorFile {
    private static final int MAGIC = 'G' | 'G' << 8 | 'U' << 16 | 'F' << 24;
    private static final String ALIGNMENT_KEY = "general.alignment";
    private static final int DEFAULT_ALIGNMENT = 32;
    private static final int LARGEST_RANK = 4;
    private static final int LONGEST_NAME = 1024;

    /** The fewest bytes of a pair: key, type and value. */
    private static final int PAIR_BYTES = 13;

    /** The fewest bytes of a tensor's entry: name, rank, type, offset. */
    private static final int TENSOR_BYTES = 24;

    /** Heap of a declaration without its name. */
    private static final int DECLARATION_BYTES = 200;

    private final MappedFile file;
    private final int version;
    private final GgufMetadata metadata;
    private final TensorTable tensors;

    private GgufFile(MappedFile file) {
        this.file = file;
        HeapBudget budget = new HeapBudget(file);
        GgufCursor in = new GgufCursor(file, budget);
        version = version(in);
        long tensorCountAt = in.position();
        int tensorCount = in.count(TENSOR_BYTES, "number of tensors");
        int pairs = in.count(PAIR_BYTES, "number of metadata keys");
        metadata = new GgufValues(file, budget, in).read(pairs);
        if (tensorCount > in.remaining() / TENSOR_BYTES) {
            throw new ModelFormatException(
                    file.path(),
                    "number of tensors",
                    tensorCountAt,
                    "at most " + in.remaining() / TENSOR_BYTES + ", as the rest of the file can hold",
                    Integer.toString(tensorCount));
        }
        tensors = tensors(in, tensorCount, budget);
    }

    /**
     * @throws ModelFormatException if the file is damaged or no GGUF file
     * @throws UnsupportedModelException if it is of another version, big-endian, or has an array of arrays
     * @throws java.io.UncheckedIOException if it cannot be read
     */
    public static GgufFile open(Path file) {
        MappedFile mapped = MappedFile.open(file);
        try {
            return of(mapped);
        } catch (RuntimeException | Error e) {
            mapped.close();
            throw e;
        }
    }

    /** The file belongs to the result from then on, unless an exception is thrown. */
    static GgufFile of(MappedFile file) {
        return new GgufFile(file);
    }

    private int version(GgufCursor in) {
        int magic = in.int32("beginning");
        if (magic != MAGIC) {
            throw new ModelFormatException(
                    file.path(),
                    "beginning",
                    0,
                    "the letters GGUF",
                    String.format("0x%08x", Integer.reverseBytes(magic)));
        }
        int version = in.int32("version");
        if (version == 2 || version == 3) {
            return version;
        }
        if ((version & 0xffff) == 0 && version != 0) {
            throw new UnsupportedModelException(
                    file.path() + ": big-endian GGUF is not supported", "convert the model on a little-endian machine");
        }
        throw new UnsupportedModelException(
                file.path() + ": GGUF version " + Integer.toUnsignedString(version)
                        + " is not supported, only 2 and 3 are",
                "convert the model again");
    }

    private TensorTable tensors(GgufCursor in, int count, HeapBudget budget) {
        budget.charge((long) DECLARATION_BYTES * count, "tensors", in.position());
        List<Declaration> declarations = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            declarations.add(declaration(in, "tensor " + (i + 1) + " of " + count));
        }
        long alignment = alignment();
        long data = (in.position() + alignment - 1) / alignment * alignment;
        TensorTable.Builder table = new TensorTable.Builder(file, budget);
        for (Declaration tensor : declarations) {
            if (tensor.offset % alignment != 0 || tensor.offset > file.size()) {
                throw new ModelFormatException(
                        file.path(),
                        "tensor " + tensor.name,
                        ModelFormatException.NO_OFFSET,
                        "an offset inside the file that is a multiple of " + alignment,
                        Long.toString(tensor.offset));
            }
            add(table, tensor, data + tensor.offset);
        }
        return table.build();
    }

    private static Declaration declaration(GgufCursor in, String item) {
        String name = in.name(LONGEST_NAME, item);
        int rank = in.int32(item);
        if (rank < 0 || rank > LARGEST_RANK) {
            throw in.invalid(
                    item, "at most " + LARGEST_RANK + " dimensions", Integer.toUnsignedString(rank) + " dimensions");
        }
        Long[] shape = new Long[rank];
        for (int d = rank - 1; d >= 0; d--) {
            shape[d] = in.uint64(item);
        }
        return new Declaration(name, List.of(shape), in.int32(item), in.uint64(item));
    }

    private static void add(TensorTable.Builder table, Declaration tensor, long offset) {
        GgufType type = GgufType.of(tensor.type);
        if (type == null) {
            table.addUnsupported(
                    tensor.name, "number " + Integer.toUnsignedString(tensor.type) + " of ggml", offset, 0);
        } else if (type.dtype == null) {
            long bytes = table.size(tensor.name, type.name(), type.blockSize, type.blockBytes, tensor.shape, offset);
            table.addUnsupported(tensor.name, type.name(), offset, bytes);
        } else {
            table.add(tensor.name, type.dtype, tensor.shape, offset);
        }
    }

    private long alignment() {
        Object value = metadata.values().getOrDefault(ALIGNMENT_KEY, (long) DEFAULT_ALIGNMENT);
        if (value instanceof Long alignment && Long.bitCount(alignment) == 1 && alignment > 0 && alignment <= 1 << 30) {
            return alignment;
        }
        throw new ModelFormatException(
                file.path(),
                ALIGNMENT_KEY,
                ModelFormatException.NO_OFFSET,
                "a power of two up to 2^30",
                value.toString());
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
        return tensors.bytes(tensor);
    }

    @Override
    public void close() {
        file.close();
    }

    /** @param offset from the end of all that is declared */
    private record Declaration(String name, List<Long> shape, int type, long offset) {}
}
