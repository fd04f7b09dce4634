package dev.lte.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Reads a large piece of memory with all threads, one stream each: what the memory system gives to Java. */
final class ReadBandwidth implements Runnable {
    private static final long BYTES = 768L << 20;
    private static final int ITEM = 1 << 20;

    private final WorkerPool pool;
    private final MemorySegment memory;
    private final int[] sums = new int[1024];

    ReadBandwidth(int threads) {
        pool = new WorkerPool(threads);
        memory = Arena.ofAuto().allocate(BYTES, 64);
        memory.fill((byte) 1);
    }

    long bytes() {
        return BYTES;
    }

    @Override
    public void run() {
        pool.run((item, worker) -> sums[16 * worker] += sum(memory, (long) item * ITEM), (int) (BYTES / ITEM));
    }

    private static int sum(MemorySegment memory, long start) {
        IntVector a = IntVector.zero(Lanes.I);
        IntVector b = IntVector.zero(Lanes.I);
        IntVector c = IntVector.zero(Lanes.I);
        IntVector d = IntVector.zero(Lanes.I);
        for (int i = 0; i < ITEM; i += 16 * Lanes.L) {
            a = a.add(IntVector.fromMemorySegment(Lanes.I, memory, start + i, Lanes.ORDER));
            b = b.add(IntVector.fromMemorySegment(Lanes.I, memory, start + i + 4 * Lanes.L, Lanes.ORDER));
            c = c.add(IntVector.fromMemorySegment(Lanes.I, memory, start + i + 8 * Lanes.L, Lanes.ORDER));
            d = d.add(IntVector.fromMemorySegment(Lanes.I, memory, start + i + 12 * Lanes.L, Lanes.ORDER));
        }
        return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
    }
}
