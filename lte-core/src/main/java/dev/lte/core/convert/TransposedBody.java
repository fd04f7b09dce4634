package dev.lte.core.convert;

import dev.lte.backend.WeightData;
import dev.lte.core.convert.PlannedTensor.Part;
import dev.lte.core.format.TensorBody;
import dev.lte.core.format.TensorSink;
import dev.lte.core.quant.BlockFormats;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A planned matrix, written as (input features, output features) as GPT-2's Conv1D has it. It is held in memory as a whole: the
 * largest of GPT-2's are of 10 million elements.
 *
 * @param tensor of a type without blocks
 */
record TransposedBody(PlannedTensor tensor) implements TensorBody {
    @Override
    public void writeTo(TensorSink sink) throws IOException {
        int columns = tensor.parts().getFirst().weight().columns();
        int rows = Math.toIntExact(tensor.elements() / columns);
        float[] transposed = new float[Math.multiplyExact(rows, columns)];
        float[] row = new float[columns];
        int at = 0;
        for (Part part : tensor.parts()) {
            WeightData weight = part.weight();
            for (int r = 0; r < weight.rows(); r++) {
                long source = part.order() == null ? r : part.order()[r];
                BlockFormats.decode(weight.dtype(), weight.bytes(), source * weight.rowBytes(), row, 0, columns);
                for (int c = 0; c < columns; c++) {
                    transposed[c * rows + at] = row[c];
                }
                at++;
            }
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(tensor.bytes(), 64);
            BlockFormats.encode(tensor.dtype(), transposed, 0, transposed.length, bytes, 0);
            sink.write(bytes);
        }
    }
}
