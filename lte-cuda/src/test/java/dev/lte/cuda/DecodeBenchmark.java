package dev.lte.cuda;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Times a decode step of a model of LLaMA-2-7B's shape with random BF16 weights, as one recording: dense, then with thresholds
 * at quantiles of the router's scores. Arguments: layers (32), steps (50), batch sizes (1 4 16 64 2048), of which those from 256 on are
 * prompts of so many tokens. Prints a line of JSON per case.
 */
final class DecodeBenchmark {
    private static final int D = 4096;
    private static final int F = 11_008;
    private static final int HEADS = 32;
    private static final int E = 128;
    private static final int M = 32;
    private static final int N = F / M;
    private static final int VOCABULARY = 32_000;
    private static final int CONTEXT = 512;
    private static final int PAGE = 32;
    private static final int SHORTEST_PROMPT = 256;

    private record Layer(Tensor qkv, Tensor out, Tensor router, FfnWeights ffn, Tensor keys, Tensor values) {}

    private final Backend backend;
    private final KernelQueue queue;
    private final List<Layer> layers = new ArrayList<>();
    private final Tensor embedding;
    private final Tensor head;
    private final Tensor gain;
    private final Tensor angles;
    private final SplittableRandom random = new SplittableRandom(1);
    private final MemorySegment noise;

    private DecodeBenchmark(Backend backend, int count, int most) {
        this.backend = backend;
        queue = backend.openQueue();
        noise = Arena.global().allocate(2L * VOCABULARY * D + 65_536, 16);
        short[] some = new short[1 << 20];
        for (int i = 0; i < some.length; i++) {
            float value = (float) random.nextGaussian() * 0.02f;
            some[i] = (short) (Float.floatToRawIntBits(value) >>> 16);
        }
        MemorySegment pattern = MemorySegment.ofArray(some);
        for (long at = 0; at < noise.byteSize(); at += pattern.byteSize()) {
            long size = Math.min(pattern.byteSize(), noise.byteSize() - at);
            MemorySegment.copy(pattern, 0, noise, at, size);
        }
        embedding = backend.weight(matrix(VOCABULARY, D));
        head = backend.weight(matrix(VOCABULARY, D));
        gain = backend.weight(ones());
        float[] table = new float[CONTEXT * 2 * E];
        for (int i = 0; i < table.length; i++) {
            table[i] = i % 2 == 0 ? 1 : 0;
        }
        angles = backend.allocate(DType.F32, CONTEXT * 2, E);
        queue.write(angles, table);
        for (int i = 0; i < count; i++) {
            layers.add(new Layer(
                    backend.weight(matrix(3 * D, D)),
                    backend.weight(matrix(D, D)),
                    backend.weight(matrix(N, D)),
                    backend.ffn(new FfnData(
                            new FfnSpec(D, F, M, Activation.SILU, true),
                            matrix(F, D),
                            matrix(F, D),
                            matrix(D, F),
                            null,
                            null)),
                    backend.allocate(DType.F16, Math.max(2048, most * (CONTEXT + PAGE)), D),
                    backend.allocate(DType.F16, Math.max(2048, most * (CONTEXT + PAGE)), D)));
        }
    }

    private WeightData matrix(int rows, int columns) {
        long offset = 2L * random.nextInt(16_384);
        return new WeightData("random", DType.BF16, rows, columns, noise.asSlice(offset, 2L * rows * columns));
    }

    private static WeightData ones() {
        float[] values = new float[D];
        Arrays.fill(values, 1);
        MemorySegment bytes = Arena.global().allocate(4L * D, 16);
        MemorySegment.copy(MemorySegment.ofArray(values), 0, bytes, 0, 4L * D);
        return new WeightData("gain", DType.F32, 1, D, bytes);
    }

    private Tensor floats(int rows, int columns, float value) {
        Tensor tensor = backend.allocate(DType.F32, rows, columns);
        float[] values = new float[rows * columns];
        Arrays.fill(values, value);
        queue.write(tensor, values);
        return tensor;
    }

    private Tensor integers(int rows, int columns, int... values) {
        Tensor tensor = backend.allocate(DType.I32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    /** Median milliseconds of a step, and the share of experts that were off in the last layer, for each quantile. */
    private void run(int b, int steps, int[] sparsities) {
        int pagesEach = (CONTEXT + PAGE) / PAGE;
        int[] pages = new int[b * pagesEach];
        int[] positions = new int[b];
        int[] sequences = new int[b];
        int[] tokens = new int[b];
        for (int i = 0; i < pages.length; i++) {
            pages[i] = i;
        }
        for (int t = 0; t < b; t++) {
            positions[t] = CONTEXT - 1;
            sequences[t] = t;
            tokens[t] = random.nextInt(VOCABULARY);
        }
        Tensor ids = integers(b, 1, tokens);
        RowBatch batch =
                new RowBatch(integers(b, 1, positions), integers(b, 1, sequences), integers(b, pagesEach, pages), PAGE);
        Tensor x = floats(b, D, 0);
        Tensor normed = floats(b, D, 0);
        Tensor qkv = floats(b, 3 * D, 0);
        Tensor attended = floats(b, D, 0);
        Tensor scores = floats(b, N, 0);
        Tensor logits = floats(b, VOCABULARY, 0);
        Tensor picked = integers(b, 1, tokens);
        ExpertSelection selection = new ExpertSelection(integers(b, N, new int[b * N]), integers(b, 1, new int[b]));
        Tensor[] thresholds = new Tensor[layers.size()];
        for (int i = 0; i < thresholds.length; i++) {
            thresholds[i] = floats(b, 1, -1);
        }
        NormSpec norm = new NormSpec(NormSpec.Kind.RMS, 1e-5f, 0);
        RopeSpec rope = new RopeSpec(E, E, RopeSpec.Pairing.HALVES);
        AttentionSpec attention = new AttentionSpec(HEADS, HEADS, E, (float) (1 / Math.sqrt(E)), true, 0, 0);
        for (int sparsity : sparsities) {
            boolean dense = sparsity < 0;
            boolean[] learn = {sparsity > 0};
            int[] off = new int[1];
            Runnable step = () -> {
                queue.embed(x, embedding, ids, 1, Write.SET);
                for (int i = 0; i < layers.size(); i++) {
                    Layer layer = layers.get(i);
                    queue.norm(normed, x, gain, null, norm);
                    queue.linear(qkv, normed, layer.qkv, null, Write.SET);
                    queue.rope(qkv.columnRange(0, 2 * D), batch.positions(), angles, rope);
                    queue.appendKeyValue(
                            layer.keys, layer.values, qkv.columnRange(D, 2 * D), qkv.columnRange(2 * D, 3 * D), batch);
                    queue.attention(attended, qkv.columnRange(0, D), layer.keys, layer.values, batch, attention);
                    queue.linear(x, attended, layer.out, null, Write.ADD);
                    queue.norm(normed, x, gain, null, norm);
                    if (dense) {
                        queue.denseFfn(x, normed, layer.ffn, Write.ADD);
                    } else {
                        queue.routerScores(scores, normed, layer.router);
                        if (learn[0]) {
                            learnThresholds(b, scores, thresholds[i], sparsity);
                        }
                        queue.selectExperts(selection, scores, thresholds[i]);
                        queue.sparseFfn(x, normed, layer.ffn, selection, Write.ADD);
                    }
                }
                queue.norm(normed, x, gain, null, norm);
                queue.linear(logits, normed, head, null, Write.SET);
                queue.argmax(picked, logits);
            };
            step.run();
            learn[0] = false;
            double[] launches = new double[steps];
            double[] times = time(step, steps, launches);
            int[] counts = new int[b];
            queue.read(selection.counts(), counts);
            double active = dense ? 1 : Arrays.stream(counts).average().orElse(0) / N;
            double together = dense ? 1 : union(selection, b, counts) / (double) N;
            System.out.printf(
                    "{\"batch\": %d, \"mode\": \"%s\", \"sparsity\": %.3f, \"union_sparsity\": %.3f, \"median_ms\": %.3f, \"p10_ms\": %.3f,"
                            + " \"p90_ms\": %.3f, \"tokens_per_s\": %.1f, \"java_ms\": %.3f}%n",
                    b,
                    dense ? "dense" : "sparse",
                    1 - active,
                    1 - together,
                    times[steps / 2],
                    times[steps / 10],
                    times[steps * 9 / 10],
                    b * 1000 / times[steps / 2],
                    launches[steps / 2]);
        }
        part("qkv", b, layer -> {
            queue.norm(normed, x, gain, null, norm);
            queue.linear(qkv, normed, layer.qkv, null, Write.SET);
        });
        part("attention", b, layer -> {
            queue.rope(qkv.columnRange(0, 2 * D), batch.positions(), angles, rope);
            queue.appendKeyValue(
                    layer.keys, layer.values, qkv.columnRange(D, 2 * D), qkv.columnRange(2 * D, 3 * D), batch);
            queue.attention(attended, qkv.columnRange(0, D), layer.keys, layer.values, batch, attention);
        });
        part("output", b, layer -> queue.linear(x, attended, layer.out, null, Write.ADD));
        part("ffn", b, layer -> {
            queue.norm(normed, x, gain, null, norm);
            queue.denseFfn(x, normed, layer.ffn, Write.ADD);
        });
        part("router", b, layer -> {
            queue.norm(normed, x, gain, null, norm);
            queue.routerScores(scores, normed, layer.router);
        });
        part("routed ffn at the last sparsity", b, layer -> {
            queue.selectExperts(selection, scores, thresholds[0]);
            queue.sparseFfn(x, normed, layer.ffn, selection, Write.ADD);
        });
        part("head", b, layer -> queue.linear(logits, normed, head, null, Write.SET));
        part("argmax", b, layer -> queue.argmax(picked, logits));
    }

    /** Experts that at least one row wants. */
    private long union(ExpertSelection selection, int b, int[] counts) {
        int[] experts = new int[b * N];
        queue.read(selection.experts(), experts);
        BitSet wanted = new BitSet(N);
        for (int t = 0; t < b; t++) {
            Arrays.stream(experts, t * N, t * N + counts[t]).forEach(wanted::set);
        }
        return wanted.cardinality();
    }

    /** Sorted milliseconds of runs of a recording, and how long each launch took. */
    private double[] time(Runnable step, int steps, double[] launches) {
        double[] times = new double[steps];
        try (KernelQueue.Recording recording = queue.record(step)) {
            for (int i = -5; i < steps; i++) {
                queue.await();
                long start = System.nanoTime();
                recording.run();
                long launched = System.nanoTime();
                queue.await();
                if (i >= 0) {
                    launches[i] = (launched - start) / 1e6;
                    times[i] = (System.nanoTime() - start) / 1e6;
                }
            }
        }
        Arrays.sort(times);
        Arrays.sort(launches);
        return times;
    }

    /** Microseconds of a part of a layer, all layers one after the other. */
    private void part(String name, int b, Consumer<Layer> operations) {
        double[] times = time(() -> layers.forEach(operations), 20, new double[20]);
        System.out.printf(
                "{\"batch\": %d, \"part\": \"%s\", \"us_a_layer\": %.2f}%n", b, name, times[10] * 1000 / layers.size());
    }

    /** A whole prompt at once, from the first position on: milliseconds and the rate of what a dense pass must compute. */
    private void prompt(int t, int[] sparsities) {
        int pages = Math.ceilDiv(t, PAGE);
        int[] pageTable = new int[pages];
        int[] positions = new int[t];
        int[] tokens = new int[t];
        Arrays.setAll(pageTable, i -> i);
        Arrays.setAll(positions, i -> i);
        Arrays.setAll(tokens, i -> random.nextInt(VOCABULARY));
        Tensor ids = integers(t, 1, tokens);
        RowBatch batch = new RowBatch(
                integers(t, 1, positions), integers(t, 1, new int[t]), integers(1, pages, pageTable), PAGE);
        Tensor x = floats(t, D, 0);
        Tensor normed = floats(t, D, 0);
        Tensor qkv = floats(t, 3 * D, 0);
        Tensor attended = floats(t, D, 0);
        Tensor scores = floats(t, N, 0);
        Tensor thresholds = floats(t, 1, -1);
        ExpertSelection selection = new ExpertSelection(integers(t, N, new int[t * N]), integers(t, 1, new int[t]));
        NormSpec norm = new NormSpec(NormSpec.Kind.RMS, 1e-5f, 0);
        RopeSpec rope = new RopeSpec(E, E, RopeSpec.Pairing.HALVES);
        AttentionSpec attention = new AttentionSpec(HEADS, HEADS, E, (float) (1 / Math.sqrt(E)), true, 0, 0);
        Consumer<Layer> toQkv = layer -> {
            queue.norm(normed, x, gain, null, norm);
            queue.linear(qkv, normed, layer.qkv, null, Write.SET);
        };
        Consumer<Layer> attend = layer -> {
            queue.rope(qkv.columnRange(0, 2 * D), batch.positions(), angles, rope);
            queue.appendKeyValue(
                    layer.keys, layer.values, qkv.columnRange(D, 2 * D), qkv.columnRange(2 * D, 3 * D), batch);
            queue.attention(attended, qkv.columnRange(0, D), layer.keys, layer.values, batch, attention);
        };
        Consumer<Layer> output = layer -> queue.linear(x, attended, layer.out, null, Write.ADD);
        Consumer<Layer> dense = layer -> {
            queue.norm(normed, x, gain, null, norm);
            queue.denseFfn(x, normed, layer.ffn, Write.ADD);
        };
        boolean[] learn = {false};
        int[] wanted = {0};
        Consumer<Layer> sparse = layer -> {
            queue.norm(normed, x, gain, null, norm);
            queue.routerScores(scores, normed, layer.router);
            if (learn[0]) {
                learnThresholds(t, scores, thresholds, wanted[0]);
            }
            queue.selectExperts(selection, scores, thresholds);
            queue.sparseFfn(x, normed, layer.ffn, selection, Write.ADD);
        };
        for (int sparsity : sparsities) {
            Consumer<Layer> ffn = sparsity < 0 ? dense : sparse;
            Runnable pass = () -> {
                queue.embed(x, embedding, ids, 1, Write.SET);
                layers.forEach(toQkv.andThen(attend).andThen(output).andThen(ffn));
            };
            learn[0] = sparsity > 0;
            wanted[0] = sparsity;
            pass.run();
            learn[0] = false;
            double ms = time(pass, 10, new double[10])[5];
            double operations = 2.0 * t * layers.size() * (4.0 * D * D + 3.0 * D * F) + 2.0 * t * t * D * layers.size();
            System.out.printf(
                    "{\"prompt\": %d, \"sparsity\": %.2f, \"median_ms\": %.2f, \"tokens_per_s\": %.0f,"
                            + " \"dense_TFLOP_per_s\": %.0f}%n",
                    t, Math.max(0, sparsity) / 100.0, ms, t * 1000 / ms, operations / ms / 1e9);
        }
        part("prompt qkv", t, toQkv);
        part("prompt attention", t, attend);
        part("prompt output", t, output);
        part("prompt ffn", t, dense);
        part("prompt routed ffn", t, sparse);
    }

    /** Each row's own quantile, so that every row is as sparse as asked for. */
    private void learnThresholds(int b, Tensor scores, Tensor thresholds, int sparsity) {
        float[] values = new float[b * N];
        queue.read(scores, values);
        float[] chosen = new float[b];
        for (int t = 0; t < b; t++) {
            float[] row = Arrays.copyOfRange(values, t * N, (t + 1) * N);
            Arrays.sort(row);
            chosen[t] = row[N * sparsity / 100 - 1];
        }
        queue.write(thresholds, chosen);
    }

    /** Gigabytes a second of a plain sum over the head's weight, the largest matrix, many times. */
    private void bandwidth() {
        Tensor probe = backend.allocate(DType.F32, 65_536, 16_384);
        Tensor x = floats(1, 16_384, 1);
        Tensor out = floats(1, 65_536, 0);
        KernelQueue.Recording recording = queue.record(() -> queue.linear(out, x, probe, null, Write.SET));
        double best = Double.MAX_VALUE;
        for (int i = 0; i < 10; i++) {
            queue.await();
            long start = System.nanoTime();
            recording.run();
            queue.await();
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
        }
        recording.close();
        System.out.printf("{\"f32_linear_read_GB_per_s\": %.0f}%n", 65_536L * 16_384 * 4 / best / 1e9);
        backend.free(probe);
    }

    public static void main(String[] arguments) {
        int count = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 32;
        int steps = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 50;
        int[] batches = arguments.length > 2
                ? Arrays.stream(arguments).skip(2).mapToInt(Integer::parseInt).toArray()
                : new int[] {1, 4, 16, 64, 2048};
        try (Backend backend = new CudaBackendProvider().open(BackendOptions.defaults())) {
            System.out.println("{\"device\": \"" + backend.device().description() + "\", \"layers\": " + count + "}");
            int most = Arrays.stream(batches)
                    .filter(b -> b < SHORTEST_PROMPT)
                    .max()
                    .orElse(1);
            DecodeBenchmark benchmark = new DecodeBenchmark(backend, count, most);
            benchmark.bandwidth();
            for (int b : batches) {
                if (b < SHORTEST_PROMPT) {
                    benchmark.run(b, steps, new int[] {-1, 0, 50, 80});
                } else {
                    benchmark.prompt(b, new int[] {-1, 50});
                }
            }
        }
    }
}
