package dev.lte.cpu;

/** A buffer per worker, grown when a call needs more and kept, so that kernels allocate nothing once warm. */
final class Scratch {
    private final float[][] buffers;

    Scratch(int workers) {
        buffers = new float[workers][];
        for (int i = 0; i < workers; i++) {
            buffers[i] = new float[0];
        }
    }

    /** At least {@code length} floats of undefined content, the worker's own until its next call. */
    float[] floats(int worker, int length) {
        float[] buffer = buffers[worker];
        if (buffer.length < length) {
            buffer = new float[Math.max(length, 2 * buffer.length)];
            buffers[worker] = buffer;
        }
        return buffer;
    }
}
