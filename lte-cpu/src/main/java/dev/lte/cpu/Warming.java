package dev.lte.cpu;

/**
 * Decides when a thread takes vector code. Vectors are objects until C2 has compiled the loop that they are in, and each operation then
 * takes hundreds of nanoseconds; plain loops with the same result are within a factor of ten of the speed of vectors from the first
 * compilation on. So a process that begins is quicker with those, and would be slower later. Every {@value #EACH}th call (of the first
 * ones, which a short answer waits for, every {@value #EACH_AT_FIRST}th) is left to vectors, so that they get compiled, and all of them
 * from the time at which they are. One for each thread and kernel.
 */
final class Warming {
    private static final int EACH = 8;
    private static final int EACH_AT_FIRST = 64;

    private final int first;
    private final int compiled;
    private int calls;
    private int vectorCalls;

    /**
     * @param first calls that a short answer waits for
     * @param compiled calls of vector code after which C2 has compiled it, about; 5,000 are the most that it waits for
     */
    Warming(int first, int compiled) {
        this.first = first;
        this.compiled = compiled;
    }

    /** @param count how often the vector code would be called now */
    boolean takesVectors(int count) {
        if (vectorCalls >= compiled) {
            return true;
        }
        if (++calls % (calls < first ? EACH_AT_FIRST : EACH) != 0) {
            return false;
        }
        vectorCalls += count;
        return true;
    }
}
