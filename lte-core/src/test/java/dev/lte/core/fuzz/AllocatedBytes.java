package dev.lte.core.fuzz;

/**
 * How much the current thread has allocated so far. By reflection: the module under test does not read java.management,
 * and need not for the sake of a test.
 */
public final class AllocatedBytes {
    private AllocatedBytes() {}

    public static long ofThisThread() {
        try {
            Object bean = Class.forName("java.lang.management.ManagementFactory")
                    .getMethod("getThreadMXBean")
                    .invoke(null);
            return (Long) Class.forName("com.sun.management.ThreadMXBean")
                    .getMethod("getCurrentThreadAllocatedBytes")
                    .invoke(bean);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JVM does not count allocated bytes", e);
        }
    }
}
