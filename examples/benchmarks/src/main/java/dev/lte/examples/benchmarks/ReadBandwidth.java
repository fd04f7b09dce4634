package dev.lte.examples.benchmarks;

import java.util.Arrays;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

/** How fast threads of plain Java read memory: sums over arrays that no cache holds. The bound of every decode step. */
final class ReadBandwidth {
    private static final int LONGS = 16 << 20;

    private ReadBandwidth() {}

    /** Bytes a second, the best of some passes. */
    static double measure(int threads) {
        Reader[] readers = new Reader[threads];
        CyclicBarrier barrier = new CyclicBarrier(threads);
        for (int i = 0; i < threads; i++) {
            readers[i] = new Reader(barrier);
            readers[i].start();
        }
        double slowest = 0;
        for (Reader reader : readers) {
            try {
                reader.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while measuring", e);
            }
            slowest = Math.max(slowest, reader.best);
        }
        return 8.0 * LONGS * threads / slowest;
    }

    private static final class Reader extends Thread {
        private static final int PASSES = 20;

        private final CyclicBarrier barrier;
        private final long[] data = new long[LONGS];
        private volatile long sum;
        private double best = Double.MAX_VALUE;

        Reader(CyclicBarrier barrier) {
            this.barrier = barrier;
            Arrays.setAll(data, i -> i);
        }

        @Override
        public void run() {
            for (int pass = 0; pass < PASSES; pass++) {
                try {
                    barrier.await();
                } catch (InterruptedException | BrokenBarrierException e) {
                    throw new IllegalStateException("interrupted while measuring", e);
                }
                long start = System.nanoTime();
                sum = sum(data);
                best = Math.min(best, (System.nanoTime() - start) / 1e9);
            }
        }

        private static long sum(long[] data) {
            long sum = 0;
            for (long value : data) {
                sum += value;
            }
            return sum;
        }
    }
}
