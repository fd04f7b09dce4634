package dev.lte.examples.benchmarks;

import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import java.util.Objects;
import java.util.Random;
import java.util.ServiceLoader;

/** The fastest large product of F32 matrices that a backend's training kernels reach. */
final class ProductSpeed {
    private static final int ROWS = 2048;
    private static final int COLUMNS = 1024;
    private static final int RUNS = 20;

    private ProductSpeed() {}

    /** @return operations a second, a multiplication and an addition being two */
    static double measure(String backendName, int threads) {
        BackendProvider provider = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(candidate -> candidate.name().equals(backendName))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no backend " + backendName));
        try (Backend backend = provider.open(new BackendOptions(threads, 0));
                KernelQueue queue = backend.openQueue()) {
            TrainingKernels kernels = Objects.requireNonNull(queue.training(), "the backend offers no training");
            Random random = new Random(7);
            Tensor x = random(backend, queue, ROWS, random);
            Tensor weight = random(backend, queue, COLUMNS, random);
            Tensor out = backend.allocate(DType.F32, ROWS, COLUMNS);
            double best = 0;
            for (int i = 0; i < RUNS; i++) {
                long begin = System.nanoTime();
                kernels.linear(out, x, weight, null, Write.SET);
                queue.await();
                best = Math.max(best, 2.0 * ROWS * COLUMNS * COLUMNS / ((System.nanoTime() - begin) / 1e9));
            }
            return best;
        }
    }

    private static Tensor random(Backend backend, KernelQueue queue, int rows, Random random) {
        float[] values = new float[rows * COLUMNS];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        Tensor tensor = backend.allocate(DType.F32, rows, COLUMNS);
        queue.write(tensor, values);
        return tensor;
    }
}
