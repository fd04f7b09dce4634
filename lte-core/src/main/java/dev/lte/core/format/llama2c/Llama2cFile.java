package dev.lte.core.format.llama2c;

import dev.lte.ModelFormatException;
import dev.lte.backend.DType;
import dev.lte.core.format.ByteCursor;
import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.TensorTable;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An open checkpoint of llama2.c, version 0: seven integers, then F32 weights, each kind for all layers before the next
 * (memory_map_weights in run.c). Tensors are named as in GGUF files of Llama.
 */
public final class Llama2cFile implements TensorFile {
    private static final int HEADER_BYTES = 7 * Integer.BYTES;
    private static final int MAX_LAYERS = 1024;
    private static final int MAX_SIZE = 1 << 24;

    private final MappedFile file;
    private final Llama2cHeader header;
    private final TensorTable tensors;
    private long next = HEADER_BYTES;

    private Llama2cFile(MappedFile file) {
        this.file = file;
        header = readHeader();
        tensors = new TensorTable(file.path());
        try {
            addTensors();
        } catch (ArithmeticException e) {
            throw invalid("header", "sizes whose weights fit the file", header.toString());
        }
        if (next != file.bytes().byteSize()) {
            throw invalid("size", next + " bytes for " + header, file.bytes().byteSize() + " bytes");
        }
        tensors.checkPlaces(HEADER_BYTES, next);
    }

    /**
     * @throws ModelFormatException if it is damaged or no checkpoint
     * @throws java.io.UncheckedIOException if it cannot be read
     */
    public static Llama2cFile open(Path file) {
        return of(MappedFile.open(file));
    }

    /** Takes the mapping over, and closes it if it is no checkpoint. */
    static Llama2cFile of(MappedFile file) {
        try {
            return new Llama2cFile(file);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private Llama2cHeader readHeader() {
        ByteCursor cursor = new ByteCursor(file.path(), file.bytes());
        int dim = size(cursor, "dim", MAX_SIZE);
        int hidden = size(cursor, "hidden_dim", MAX_SIZE);
        int layers = size(cursor, "n_layers", MAX_LAYERS);
        int heads = size(cursor, "n_heads", dim);
        int kvHeads = size(cursor, "n_kv_heads", heads);
        int vocab = cursor.getInt("vocab_size");
        if (vocab == 0 || Math.absExact(vocab) > MAX_SIZE) {
            throw invalid("vocab_size", "1 to " + MAX_SIZE + ", negative for a classifier of its own", String.valueOf(vocab));
        }
        int seqLen = size(cursor, "seq_len", MAX_SIZE);
        if (dim % heads != 0 || heads % kvHeads != 0 || dim / heads % 2 != 0) {
            throw invalid(
                    "header",
                    "heads that divide dim into even sizes, and key/value heads that divide heads",
                    dim + ", " + heads + ", " + kvHeads);
        }
        return new Llama2cHeader(dim, hidden, layers, heads, kvHeads, Math.abs(vocab), seqLen, vocab > 0);
    }

    private int size(ByteCursor cursor, String name, int largest) {
        int value = cursor.getInt(name);
        if (value < 1 || value > largest) {
            throw invalid(name, "1 to " + largest, Integer.toString(value));
        }
        return value;
    }

    private ModelFormatException invalid(String item, String expected, String found) {
        return new ModelFormatException(
                file.path(),
                item,
                ModelFormatException.NO_OFFSET,
                expected,
                found,
                "use a checkpoint that llama2.c's export wrote in version 0");
    }

    private void addTensors() {
        long dim = header.dim();
        long hidden = header.hidden();
        long kv = dim / header.heads() * header.kvHeads();
        add("token_embd.weight", header.vocab(), dim);
        addLayers("attn_norm", 0, dim);
        addLayers("attn_q", dim, dim);
        addLayers("attn_k", kv, dim);
        addLayers("attn_v", kv, dim);
        addLayers("attn_output", dim, dim);
        addLayers("ffn_norm", 0, dim);
        addLayers("ffn_gate", hidden, dim);
        addLayers("ffn_down", dim, hidden);
        addLayers("ffn_up", hidden, dim);
        add("output_norm.weight", 0, dim);
        // Cosines and sines of the rotation, which are computed anew.
        next = Math.addExact(next, Float.BYTES * Math.multiplyExact((long) header.seqLen(), dim / header.heads()));
        if (!header.sharedClassifier()) {
            add("output.weight", header.vocab(), dim);
        }
    }

    private void addLayers(String name, long rows, long columns) {
        for (int layer = 0; layer < header.layers(); layer++) {
            add("blk." + layer + "." + name + ".weight", rows, columns);
        }
    }

    /** @param rows 0 for a vector */
    private void add(String name, long rows, long columns) {
        long bytes = Math.multiplyExact(Math.multiplyExact(Math.max(rows, 1), columns), (long) Float.BYTES);
        List<Long> shape = rows == 0 ? List.of(columns) : List.of(rows, columns);
        tensors.add(new TensorInfo(name, DType.F32, shape, next, bytes));
        next = Math.addExact(next, bytes);
        if (next > file.bytes().byteSize()) {
            throw invalid("size", "at least " + next + " bytes for " + header, file.bytes().byteSize() + " bytes");
        }
    }

    public Llama2cHeader header() {
        return header;
    }

    @Override
    public Path path() {
        return file.path();
    }

    @Override
    public String format() {
        return "llama2.c v0";
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
    public MemorySegment bytes(TensorInfo tensor) {
        return tensors.bytes(tensor, file.bytes());
    }

    @Override
    public void close() {
        file.close();
    }
}
