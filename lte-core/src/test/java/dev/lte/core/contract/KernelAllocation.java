package dev.lte.core.contract;

import java.lang.management.ManagementFactory;

/** Measures what code allocates on the Java heap, in all threads. */
public final class KernelAllocation {
    private static final int ROUNDS = 20;
    private static final int CALLS = 50;

    private KernelAllocation() {}

    /**
     * Bytes per call, once the code has run {@code warmUp} times: the least of several rounds, since other threads of the JVM
     * allocate a little now and then.
     */
    public static long bytesPerCall(int warmUp, Runnable code) {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int i = 0; i < warmUp; i++) {
            code.run();
        }
        long least = Long.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            long before = threads.getTotalThreadAllocatedBytes();
            for (int i = 0; i < CALLS; i++) {
                code.run();
            }
            least = Math.min(least, (threads.getTotalThreadAllocatedBytes() - before) / CALLS);
        }
        return least;
    }
}
