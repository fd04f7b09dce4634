package dev.lte.cpu;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;

/**
 * The rows of a tensor as floats, one at a time: F32 rows where they are, BF16 by way of a buffer. Belongs to one worker;
 * {@link #values} and {@link #start} are valid until the next call.
 */
final class RowCursor {
    private float[] buffer = {};
    private float[] values = buffer;
    private int start;

    /** A cursor for every worker. */
    static RowCursor[] forAll(int workers) {
        RowCursor[] cursors = new RowCursor[workers];
        for (int i = 0; i < workers; i++) {
            cursors[i] = new RowCursor();
        }
        return cursors;
    }

    /** Goes to a row that will be read, or changed and then stored. */
    RowCursor read(CpuTensor tensor, int row) {
        overwrite(tensor, row);
        if (tensor.dtype() != DType.F32) {
            decode(tensor.halves(), tensor.rowStart(row), tensor.columns(), buffer);
        }
        return this;
    }

    /**
     * BF16 without vectors: cursors are read many times in a kernel, and where C2 inlines vector code at each of these places, it
     * runs out of nodes and boxes the vectors of the kernel itself.
     */
    private static void decode(MemorySegment from, long start, int count, float[] to) {
        for (int i = 0; i < count; i++) {
            to[i] = HalfRows.bf16ToFloat(from.get(CpuTensor.SHORT, 2 * (start + i)));
        }
    }

    /** Goes to a row whose elements will all be set and then stored; what is there now is undefined. */
    RowCursor overwrite(CpuTensor tensor, int row) {
        if (tensor.dtype() == DType.F32) {
            values = tensor.floats();
            start = tensor.rowStart(row);
        } else {
            if (buffer.length < tensor.columns()) {
                buffer = new float[tensor.columns()];
            }
            values = buffer;
            start = 0;
        }
        return this;
    }

    /** Brings changes of the row back to the tensor, if it is not there already. */
    void store(CpuTensor tensor, int row) {
        if (tensor.dtype() != DType.F32) {
            HalfRows.encodeBf16(buffer, 0, tensor.columns(), tensor.halves(), tensor.rowStart(row));
        }
    }

    float[] values() {
        return values;
    }

    int start() {
        return start;
    }
}
