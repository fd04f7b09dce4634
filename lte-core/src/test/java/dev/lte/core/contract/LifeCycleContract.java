package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Opening, freeing, closing, and several threads at once. */
interface LifeCycleContract extends Contract {
    @Test
    default void describesItself() {
        Backend backend = rig().tested();
        assertThat(backend.name()).isNotBlank();
        assertThat(backend.device().description()).isNotBlank();
        assertThat(backend.device().memoryBytes()).isPositive();
        assertThat(backend.device().promptRows()).isPositive();
    }

    @Test
    default void refusesFreedTensorsAndTheirViews() {
        Backend backend = rig().tested();
        KernelQueue queue = rig().queue();
        Tensor live = backend.allocate(DType.F32, 4, 8);
        for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
            Tensor freed = backend.allocate(dtype, 4, 8);
            Tensor view = freed.rowRange(1, 3).columnRange(2, 4);
            backend.free(freed);
            assertThatThrownBy(() -> queue.read(freed, new float[32])).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> queue.write(view, new float[32])).isInstanceOf(IllegalStateException.class);
        }
        Tensor freed = backend.allocate(DType.F32, 4, 8);
        Tensor view = freed.rowRange(0, 2).columnRange(2, 6);
        backend.free(freed);
        assertThatThrownBy(() -> queue.add(live, freed)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> queue.add(freed, live)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> queue.add(live.rowRange(0, 2).columnRange(0, 4), view))
                .isInstanceOf(IllegalStateException.class);
        Tensor weight = backend.weight(RandomWeights.matrix(DType.F32, 4, 8, new SplittableRandom(1)));
        backend.free(weight);
        Tensor out = backend.allocate(DType.F32, 4, 4);
        assertThatThrownBy(() -> queue.linear(out, live, weight, null, Write.SET))
                .isInstanceOf(IllegalStateException.class);
        backend.free(live);
        backend.free(out);
    }

    @Test
    default void refusesEverythingOnceClosed() {
        Backend backend = rig().open();
        KernelQueue queue = backend.openQueue();
        Tensor x = backend.allocate(DType.F32, 4, 8);
        FfnWeights ffn = backend.ffn(ffn());
        Tensor y = backend.allocate(DType.F32, 4, 32);
        queue.denseFfn(y, y, ffn, Write.ADD);
        backend.close();
        backend.close();
        assertThatThrownBy(() -> backend.allocate(DType.F32, 1, 1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> backend.weight(matrix())).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> backend.ffn(ffn())).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(backend::openQueue).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> queue.add(x, x)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> queue.denseFfn(y, y, ffn, Write.ADD)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> queue.read(x, new float[32])).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> queue.write(x, new float[32])).isInstanceOf(IllegalStateException.class);
        queue.close();
    }

    @Test
    default void closesAQueueWithoutItsBackend() {
        Backend backend = rig().tested();
        Tensor x = backend.allocate(DType.F32, 1, 3);
        KernelQueue queue = backend.openQueue();
        queue.write(x, new float[] {1, 2, 3});
        queue.close();
        queue.close();
        assertThatThrownBy(() -> queue.add(x, x)).isInstanceOf(IllegalStateException.class);
        float[] values = new float[3];
        rig().queue().read(x, values);
        assertThat(values).containsExactly(1, 2, 3);
        backend.free(x);
    }

    /** Two gigabytes of each type if nothing were given back. */
    @Test
    default void givesMemoryBack() throws IOException {
        Backend backend = rig().tested();
        long before = residentBytes();
        for (DType dtype : List.of(DType.F32, DType.F16)) {
            for (int i = 0; i < 1000; i++) {
                backend.free(backend.allocate(dtype, 1024, 2048 / dtype.blockBytes()));
            }
        }
        WeightData data = RandomWeights.matrix(DType.F16, 256, 512, new SplittableRandom(1));
        for (int i = 0; i < 1000; i++) {
            backend.free(backend.weight(data));
        }
        System.gc();
        assertThat(residentBytes() - before).as("bytes of memory").isLessThan(1L << 30);
    }

    /** Of this process; 0 where the system does not tell. */
    private static long residentBytes() throws IOException {
        Path statistics = Path.of("/proc/self/statm");
        return Files.isReadable(statistics)
                ? Long.parseLong(Files.readString(statistics).split(" ")[1]) * 4096
                : 0;
    }

    @Test
    @Timeout(120)
    default void servesSeveralQueuesAndBackendsAtOnce() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(4);
                Rig other = new Rig(rig().opener())) {
            List<Future<?>> results = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int number = i;
                results.add(threads.submit(() -> {
                    Rig own = (number % 2 == 0 ? rig() : other).withOwnQueues();
                    for (int round = 0; round < 10; round++) {
                        own.compare("thread " + number, 179 + number, side -> {
                            MiniLayer layer = new MiniLayer(side, 5, DType.F32);
                            layer.token(0, 1);
                            layer.pass();
                            side.report("logits", layer.logits(), 100, Bound.of(2e-3, 2e-3));
                        });
                    }
                    own.closeQueues();
                }));
            }
            for (Future<?> result : results) {
                result.get();
            }
        }
    }

    /** Ends in an exception or in completion; never in a crash, a hang or another exception. */
    @Test
    @Timeout(120)
    default void closesWhileKernelsRun() throws Exception {
        SplittableRandom random = new SplittableRandom(181);
        for (int round = 0; round < 5; round++) {
            Backend backend = rig().open();
            CountDownLatch running = new CountDownLatch(1);
            try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
                Future<RuntimeException> end = thread.submit(() -> runUntilClosed(backend, running));
                running.await();
                TimeUnit.MILLISECONDS.sleep(random.nextInt(30));
                backend.close();
                assertThat(end.get(60, TimeUnit.SECONDS)).isInstanceOf(IllegalStateException.class);
            }
        }
    }

    private static RuntimeException runUntilClosed(Backend backend, CountDownLatch running) {
        try {
            Side side = new Side(backend, backend.openQueue(), Side.Layout.WHOLE, 191);
            MiniLayer layer = new MiniLayer(side, 16, DType.Q8_0);
            for (int token = 0; ; token++) {
                layer.token(token % 30, token);
                layer.pass();
                layer.logits();
                running.countDown();
            }
        } catch (RuntimeException e) {
            return e;
        } finally {
            running.countDown();
        }
    }

    private static WeightData matrix() {
        return RandomWeights.matrix(DType.F32, 2, 8, new SplittableRandom(1));
    }

    private static FfnData ffn() {
        FfnSpec spec = new FfnSpec(32, 64, 32, dev.lte.backend.Activation.RELU, false);
        SplittableRandom random = new SplittableRandom(1);
        return new FfnData(
                spec,
                null,
                RandomWeights.matrix(DType.F32, 64, 32, random),
                RandomWeights.matrix(DType.F32, 32, 64, random),
                null,
                null);
    }
}
