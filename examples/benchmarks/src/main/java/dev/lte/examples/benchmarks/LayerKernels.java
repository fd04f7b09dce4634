package dev.lte.examples.benchmarks;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.ServiceLoader;

/**
 * The operations of a TinyLlama-1.1B layer on a backend: D 2048, F 5632 in 176 experts, 32 heads of 64 with 4 for keys and
 * values. Weights come in {@value #COPIES} copies that take turns, so that they come from memory and not from a cache.
 */
final class LayerKernels implements AutoCloseable {
    static final int COPIES = 4;
    static final int MODEL = 2048;
    static final int NEURONS = 5632;
    static final int CONTEXT = 1024;
    static final int KEY_VALUE = 256;

    private static final int EXPERT_SIZE = 32;
    private static final int EXPERTS = NEURONS / EXPERT_SIZE;
    private static final AttentionSpec ATTENTION = new AttentionSpec(32, 4, 64, 0.125f, true, 0, 0);
    private static final NormSpec RMS = new NormSpec(NormSpec.Kind.RMS, 1e-5f, 0);

    private final Random random = new Random(7);
    private final Backend backend;
    private final KernelQueue queue;
    private final List<Tensor> weights = new ArrayList<>();
    private final List<FfnWeights> ffns = new ArrayList<>();
    private final Tensor router;
    private final Tensor x;
    private final Tensor y;
    private final Tensor hidden;
    private final Tensor scores;
    private final Tensor norm;
    private final Tensor keys;
    private final Tensor values;
    private final RowBatch batch;
    private final ExpertSelection half;
    private int turn;

    /**
     * @param rows of the input
     * @param threads 0 for the backend's choice
     */
    LayerKernels(String backendName, DType type, int rows, int threads) {
        backend = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals(backendName))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no backend " + backendName))
                .open(new BackendOptions(threads, 0));
        queue = backend.openQueue();
        FfnSpec spec = new FfnSpec(MODEL, NEURONS, EXPERT_SIZE, Activation.SILU, true);
        for (int i = 0; i < COPIES; i++) {
            weights.add(backend.weight(List.of(RandomBlocks.weight(type, NEURONS, MODEL, random))));
            ffns.add(backend.ffn(new FfnData(
                    spec,
                    RandomBlocks.weight(type, NEURONS, MODEL, random),
                    RandomBlocks.weight(type, NEURONS, MODEL, random),
                    RandomBlocks.weight(type, MODEL, NEURONS, random),
                    null,
                    null)));
        }
        router = backend.weight(List.of(RandomBlocks.weight(DType.F32, EXPERTS, MODEL, random)));
        x = floats(rows, MODEL);
        y = floats(rows, MODEL);
        hidden = floats(rows, NEURONS);
        scores = floats(rows, EXPERTS);
        norm = floats(1, MODEL);
        keys = backend.allocate(DType.F16, CONTEXT, KEY_VALUE);
        values = backend.allocate(DType.F16, CONTEXT, KEY_VALUE);
        queue.write(keys, gaussians(CONTEXT * KEY_VALUE));
        queue.write(values, gaussians(CONTEXT * KEY_VALUE));
        int[] positions = new int[rows];
        for (int t = 0; t < rows; t++) {
            positions[t] = CONTEXT - rows + t;
        }
        batch = new RowBatch(
                ints(positions, rows, 1), ints(new int[rows], rows, 1), ints(new int[] {0}, 1, 1), CONTEXT);
        half = selection(rows);
    }

    private float[] gaussians(int count) {
        float[] result = new float[count];
        for (int i = 0; i < count; i++) {
            result[i] = (float) random.nextGaussian();
        }
        return result;
    }

    private Tensor floats(int rows, int columns) {
        Tensor tensor = backend.allocate(DType.F32, rows, columns);
        queue.write(tensor, gaussians(rows * columns));
        return tensor;
    }

    private Tensor ints(int[] content, int rows, int columns) {
        Tensor tensor = backend.allocate(DType.I32, rows, columns);
        queue.write(tensor, content);
        return tensor;
    }

    /** Exactly half of the experts of each row. */
    private ExpertSelection selection(int rows) {
        int[] lists = new int[rows * EXPERTS];
        int[] counts = new int[rows];
        for (int t = 0; t < rows; t++) {
            for (int e = 0; e < EXPERTS; e++) {
                if (random.nextInt(EXPERTS - e) < EXPERTS / 2 - counts[t]) {
                    lists[t * EXPERTS + counts[t]++] = e;
                }
            }
        }
        return new ExpertSelection(ints(lists, rows, EXPERTS), ints(counts, rows, 1));
    }

    private int next() {
        turn = (turn + 1) % COPIES;
        return turn;
    }

    void linear() {
        queue.linear(hidden, x, weights.get(next()), null, Write.SET);
        queue.await();
    }

    void denseFfn() {
        queue.denseFfn(y, x, ffns.get(next()), Write.SET);
        queue.await();
    }

    void sparseFfn() {
        queue.sparseFfn(y, x, ffns.get(next()), half, Write.SET);
        queue.await();
    }

    void router() {
        queue.routerScores(scores, x, router);
        queue.await();
    }

    void attention() {
        queue.attention(y, x, keys, values, batch, ATTENTION);
        queue.await();
    }

    void norm() {
        queue.norm(y, x, norm, null, RMS);
        queue.await();
    }

    @Override
    public void close() {
        backend.close();
    }
}
