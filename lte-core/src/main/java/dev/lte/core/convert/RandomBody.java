package dev.lte.core.convert;

import dev.lte.backend.DType;
import dev.lte.core.format.TensorBody;
import dev.lte.core.format.TensorSink;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Tensors made when they are written, in pieces and on the common pool. The seed alone decides the bytes. */
final class RandomBody {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCKS = 1 << 14;
    private static final int PIECES_AT_A_TIME = 16;

    private RandomBody() {}

    /** @param bytes of the tensor, whole blocks */
    static TensorBody weights(DType dtype, long bytes, double deviation, long seed) {
        long piece = (long) BLOCKS * dtype.blockBytes() * (dtype.isQuantized() ? 1 : 32);
        return sink -> {
            try (Arena arena = Arena.ofShared()) {
                MemorySegment buffer = arena.allocate(Math.min(bytes, PIECES_AT_A_TIME * piece), 64);
                for (long done = 0; done < bytes; done += buffer.byteSize()) {
                    MemorySegment batch = buffer.asSlice(0, Math.min(buffer.byteSize(), bytes - done));
                    long first = done / piece;
                    int pieces = (int) ((batch.byteSize() + piece - 1) / piece);
                    IntStream.range(0, pieces).parallel().forEach(i -> {
                        long at = i * piece;
                        MemorySegment part = batch.asSlice(at, Math.min(piece, batch.byteSize() - at));
                        RandomBlocks.fill(part, dtype, deviation, new SplittableRandom(seed + (first + i << 32)));
                    });
                    sink.write(batch);
                }
            }
        };
    }

    /** Rows of length 1 in random directions, F32. */
    static TensorBody directions(int rows, int columns, long seed) {
        return sink -> {
            SplittableRandom random = new SplittableRandom(seed);
            float[] row = new float[columns];
            for (int i = 0; i < rows; i++) {
                double squares = 0;
                for (int j = 0; j < columns; j++) {
                    row[j] = (float) random.nextGaussian();
                    squares += (double) row[j] * row[j];
                }
                for (int j = 0; j < columns; j++) {
                    row[j] /= (float) Math.sqrt(squares);
                }
                write(row, sink);
            }
        };
    }

    static TensorBody ones(int count) {
        return sink -> {
            float[] ones = new float[count];
            Arrays.fill(ones, 1);
            write(ones, sink);
        };
    }

    private static void write(float[] values, TensorSink sink) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(4L * values.length, 4);
            MemorySegment.copy(values, 0, bytes, FLOAT, 0, values.length);
            sink.write(bytes);
        }
    }
}
