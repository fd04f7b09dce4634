package dev.lte.core.format.llama2c;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.DType;
import dev.lte.core.format.HeapBudget;
import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.TensorTable;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An open checkpoint of llama2.c, version 0: seven 32-bit numbers and F32 weights, each kind of them for all layers one after
 * another. Tensors are named as in GGUF files of Llama, {@code blk.0.attn_q.weight} for example; the tables of sines and
 * cosines behind them, which no one needs, keep the names that they have in run.c. Source: github.com/karpathy/llama2.c,
 * run.c and export.py.
 */
public final class Llama2cFile implements TensorFile {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int HEADER_BYTES = 7 * Integer.BYTES;

    /** How later versions begin. */
    private static final int MAGIC = 'a' << 24 | 'k' << 16 | '4' << 8 | '2';

    private final MappedFile file;
    private final Llama2cHeader header;
    private final TensorTable tensors;

    private Llama2cFile(MappedFile file) {
        this.file = file;
        header = readHeader();
        long expected = header.fileBytes(HEADER_BYTES);
        if (expected != file.size()) {
            throw new ModelFormatException(
                    file.path(), "size", 0, expected + " bytes for " + header, file.size() + " bytes");
        }
        TensorTable.Builder table = new TensorTable.Builder(file, new HeapBudget(file));
        new Layout(table).run();
        tensors = table.build();
    }

    /**
     * @throws ModelFormatException if the file is damaged or no such checkpoint, which has no mark to tell it by
     * @throws UnsupportedModelException if it is of a later version
     * @throws java.io.UncheckedIOException if it cannot be read
     */
    public static Llama2cFile open(Path file) {
        MappedFile mapped = MappedFile.open(file);
        try {
            return of(mapped);
        } catch (RuntimeException | Error e) {
            mapped.close();
            throw e;
        }
    }

    /** The file belongs to the result from then on, unless an exception is thrown. */
    static Llama2cFile of(MappedFile file) {
        return new Llama2cFile(file);
    }

    private Llama2cHeader readHeader() {
        if (file.size() < HEADER_BYTES) {
            throw new ModelFormatException(
                    file.path(), "header", 0, HEADER_BYTES + " bytes", file.size() + " in the whole file");
        }
        if (number(0) == MAGIC) {
            throw new UnsupportedModelException(
                    file.path() + ": version " + number(1) + " of llama2.c's checkpoints is not supported, only 0 is",
                    "export the model with --version 0");
        }
        int vocab = number(5);
        Llama2cHeader header = new Llama2cHeader(
                number(0), number(1), number(2), number(3), number(4), Math.abs(vocab), number(6), vocab > 0);
        if (!header.isPossible()) {
            throw new ModelFormatException(
                    file.path(),
                    "header",
                    0,
                    "positive sizes, an even head size and heads that are a multiple of kvHeads",
                    header.toString());
        }
        return header;
    }

    private int number(int index) {
        return file.bytes().get(INT, (long) index * Integer.BYTES);
    }

    /** Names the weights in the order of the file. */
    private final class Layout {
        private final TensorTable.Builder table;
        private long offset = HEADER_BYTES;

        Layout(TensorTable.Builder table) {
            this.table = table;
        }

        void run() {
            long dim = header.dim();
            long hidden = header.hidden();
            long kv = header.kvDim();
            long vocab = header.vocab();
            long seqLen = header.seqLen();
            add("token_embd.weight", vocab, dim);
            perLayer("attn_norm", dim);
            perLayer("attn_q", dim, dim);
            perLayer("attn_k", kv, dim);
            perLayer("attn_v", kv, dim);
            perLayer("attn_output", dim, dim);
            perLayer("ffn_norm", dim);
            perLayer("ffn_gate", hidden, dim);
            perLayer("ffn_down", dim, hidden);
            perLayer("ffn_up", hidden, dim);
            add("output_norm.weight", dim);
            add("freq_cis_real", seqLen, header.headSize() / 2);
            add("freq_cis_imag", seqLen, header.headSize() / 2);
            if (!header.sharedClassifier()) {
                add("output.weight", vocab, dim);
            }
        }

        private void perLayer(String name, Long... shape) {
            for (int layer = 0; layer < header.layers(); layer++) {
                add("blk." + layer + "." + name + ".weight", shape);
            }
        }

        private void add(String name, Long... shape) {
            offset += table.add(name, DType.F32, List.of(shape), offset).bytes();
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
        return tensors.bytes(tensor);
    }

    @Override
    public void close() {
        file.close();
    }
}
