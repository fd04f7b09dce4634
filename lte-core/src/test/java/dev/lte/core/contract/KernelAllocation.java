package dev.lte.core.contract;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;

/** Measures what code allocates on the Java heap, in all threads. */
public final class KernelAllocation {
    private static final int CALLS = 100;

    private KernelAllocation() {}

    /**
     * Bytes per call once the compilers have done their work: the least of the rounds that fit into a time, or the first round
     * that takes no more than is allowed. The least, since other threads of the JVM allocate a little now and then.
     */
    public static long bytesPerCall(Duration time, long allowed, Runnable code) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long end = System.nanoTime() + time.toNanos();
        long least = Long.MAX_VALUE;
        while (least > allowed && System.nanoTime() < end) {
            long before = threads.getTotalThreadAllocatedBytes();
            for (int i = 0; i < CALLS; i++) {
                code.run();
            }
            least = Math.min(least, (threads.getTotalThreadAllocatedBytes() - before) / CALLS);
        }
        return least;
    }
}
