package dev.lte.core.reference;

import dev.lte.backend.WeightData;
import dev.lte.core.quant.BlockFormats;
import java.util.List;

/** The parts of a weight where the model file has them, decoded a row at a time. */
final class WeightStorage extends ReferenceStorage {
    private volatile List<WeightData> parts;

    WeightStorage(ReferenceBackend backend, List<WeightData> parts) {
        super(backend, parts.getFirst().columns());
        this.parts = List.copyOf(parts);
    }

    @Override
    void drop() {
        parts = List.of();
    }

    @Override
    void read(int row, int column, int count, float[] out, int outStart) {
        List<WeightData> current = parts;
        check();
        int inPart = row;
        for (WeightData part : current) {
            if (inPart < part.rows()) {
                read(part, inPart, column, count, out, outStart);
                return;
            }
            inPart -= part.rows();
        }
        throw new IndexOutOfBoundsException("row " + row + " is outside the weight");
    }

    private static void read(WeightData part, int row, int column, int count, float[] out, int outStart) {
        if (part.dtype().isQuantized() && count != part.columns()) {
            throw new UnsupportedOperationException("block types have no column views: " + part.dtype());
        }
        long offset = row * part.rowBytes() + part.dtype().byteSize(column);
        BlockFormats.decode(part.dtype(), part.bytes(), offset, out, outStart, count);
    }

    /** Whether a row can be read from any column on. */
    boolean isPlain() {
        return parts.stream().noneMatch(part -> part.dtype().isQuantized());
    }

    @Override
    void write(int row, int column, int count, float[] values, int start) {
        throw new IllegalArgumentException("expected a tensor from allocate, found a weight, which cannot be written");
    }
}
