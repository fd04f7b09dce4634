package dev.lte.core.convert;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import dev.lte.core.convert.PlannedTensor.Part;
import dev.lte.core.format.TensorBody;
import dev.lte.core.format.TensorSink;
import dev.lte.core.quant.BlockFormats;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Writes the bytes of one planned tensor, chunk by chunk, several chunks at a time on the common pool, and measures what the
 * new type loses.
 */
final class TensorRecoder implements TensorBody {
    /** Elements of a chunk: large enough to be worth a task, small enough for a few to fit the cache. */
    private static final int CHUNK = 1 << 18;

    private static final int CHUNKS_AT_A_TIME = 16;

    private final PlannedTensor tensor;
    private double squaredError;
    private double squaredWeights;

    TensorRecoder(PlannedTensor tensor) {
        this.tensor = tensor;
    }

    /** Known when the tensor has been written. */
    double relativeError() {
        return squaredWeights == 0 ? 0 : Math.sqrt(squaredError / squaredWeights);
    }

    /** Rows of one part; for vectors all elements count as one row. */
    private record Chunk(Part part, int from, int to) {}

    @Override
    public void writeTo(TensorSink sink) throws IOException {
        squaredError = 0;
        squaredWeights = 0;
        List<Chunk> chunks = new ArrayList<>();
        for (Part part : tensor.parts()) {
            if (tensor.copies() && part.order() == null) {
                flush(chunks, sink);
                sink.write(part.weight().bytes());
                continue;
            }
            int step = Math.max(1, CHUNK / part.weight().columns());
            for (int from = 0; from < part.rows(); from += step) {
                chunks.add(new Chunk(part, from, Math.min(part.rows(), from + step)));
                if (chunks.size() == CHUNKS_AT_A_TIME) {
                    flush(chunks, sink);
                }
            }
        }
        flush(chunks, sink);
    }

    private void flush(List<Chunk> chunks, TensorSink sink) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment[] outputs = new MemorySegment[chunks.size()];
            double[][] sums = new double[chunks.size()][];
            for (int i = 0; i < outputs.length; i++) {
                Chunk chunk = chunks.get(i);
                long elements =
                        (long) (chunk.to - chunk.from) * chunk.part.weight().columns();
                outputs[i] = arena.allocate(tensor.dtype().byteSize(elements), 64);
            }
            IntStream.range(0, outputs.length)
                    .parallel()
                    .forEach(i -> sums[i] =
                            tensor.copies() ? copy(chunks.get(i), outputs[i]) : recode(chunks.get(i), outputs[i]));
            for (int i = 0; i < outputs.length; i++) {
                squaredError += sums[i][0];
                squaredWeights += sums[i][1];
                sink.write(outputs[i]);
            }
        }
        chunks.clear();
    }

    /** Rows in another order, otherwise as they are. */
    private static double[] copy(Chunk chunk, MemorySegment out) {
        WeightData weight = chunk.part.weight();
        int[] order = chunk.part.order();
        long rowBytes = weight.rowBytes();
        for (int row = chunk.from; row < chunk.to; row++) {
            long source = order == null ? row : order[row];
            MemorySegment.copy(weight.bytes(), source * rowBytes, out, (row - chunk.from) * rowBytes, rowBytes);
        }
        return new double[2];
    }

    private double[] recode(Chunk chunk, MemorySegment out) {
        WeightData weight = chunk.part.weight();
        int[] order = chunk.part.order();
        int columns = weight.columns();
        int count = (chunk.to - chunk.from) * columns;
        float[] values = new float[count];
        for (int row = chunk.from; row < chunk.to; row++) {
            long source = order == null || tensor.vector() ? row : order[row];
            int start = (row - chunk.from) * columns;
            BlockFormats.decode(weight.dtype(), weight.bytes(), source * weight.rowBytes(), values, start, columns);
        }
        if (tensor.vector() && order != null) {
            values = ordered(values, order);
        }
        if (tensor.added() != 0) {
            for (int i = 0; i < count; i++) {
                values[i] += tensor.added();
            }
        }
        DType dtype = tensor.dtype();
        BlockFormats.encode(dtype, values, 0, count, out, 0);
        return dtype == DType.F32 ? new double[2] : loss(values, dtype, out);
    }

    private static float[] ordered(float[] values, int[] order) {
        float[] result = new float[values.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = values[order[i]];
        }
        return result;
    }

    private static double[] loss(float[] values, DType dtype, MemorySegment encoded) {
        float[] decoded = new float[values.length];
        BlockFormats.decode(dtype, encoded, 0, decoded, 0, decoded.length);
        double error = 0;
        double weights = 0;
        for (int i = 0; i < values.length; i++) {
            double difference = (double) decoded[i] - values[i];
            error += difference * difference;
            weights += (double) values[i] * values[i];
        }
        return new double[] {error, weights};
    }
}
