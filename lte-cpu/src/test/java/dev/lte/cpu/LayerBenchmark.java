package dev.lte.cpu;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Times decode and prefill of a TinyLlama-1.1B shape (D 2048, F 5632, 22 layers, V 32000) with random weights, next to the
 * read bandwidth of the same moment. Not a test; arguments are element types:
 * {@code java --add-modules jdk.incubator.vector -cp ... dev.lte.cpu.LayerBenchmark Q8_0 BF16 Q4_0}.
 */
final class LayerBenchmark implements AutoCloseable {
    private static final int MODEL = 2048;
    private static final int NEURONS = 5632;
    private static final int LAYERS = 22;
    private static final int VOCABULARY = 32000;
    private static final int KEY_VALUE = 256;
    private static final int PROMPT = Integer.getInteger("prompt", 512);

    /** Position of the token that is decoded. */
    private static final int CONTEXT = Integer.getInteger("context", 64);

    private static final int THREADS = Integer.getInteger("threads", 2);
    private static final DType CACHE = DType.valueOf(System.getProperty("cache", "F16"));
    private static final int POSITIONS = Math.max(PROMPT, CONTEXT) + 64;

    private final CpuBackend backend = new CpuBackend(new BackendOptions(THREADS, 0));
    private final KernelQueue queue = backend.openQueue();
    private final Random random = new Random(3);
    private final Tensor[] qkv = new Tensor[LAYERS];
    private final Tensor[] output = new Tensor[LAYERS];
    private final FfnWeights[] ffn = new FfnWeights[LAYERS];
    private final Tensor router;
    private final Tensor head;
    private final Tensor keyCache = backend.allocate(CACHE, POSITIONS, KEY_VALUE);
    private final Tensor valueCache = backend.allocate(CACHE, POSITIONS, KEY_VALUE);
    private final Tensor x = input(PROMPT, MODEL);
    private final Tensor normed = input(PROMPT, MODEL);
    private final Tensor projected = input(PROMPT, MODEL + 2 * KEY_VALUE);
    private final Tensor attended = input(PROMPT, MODEL);
    private final Tensor logits = backend.allocate(DType.F32, 1, VOCABULARY);
    private final Tensor norm = input(1, MODEL);
    private final Tensor positions = backend.allocate(DType.I32, PROMPT, 1);
    private final Tensor sequences = backend.allocate(DType.I32, PROMPT, 1);
    private final Tensor pages = backend.allocate(DType.I32, 1, 1);
    private final ExpertSelection selection = new ExpertSelection(
            backend.allocate(DType.I32, PROMPT, NEURONS / 32), backend.allocate(DType.I32, PROMPT, 1));
    private static final String[] OPERATIONS = {"norm", "qkv", "append", "attention", "output", "norm", "ffn"};
    private long[] @org.jspecify.annotations.Nullable [] marks;
    private int pass;
    private int mark;
    private final long otherBytes;
    private final long ffnBytes;

    private LayerBenchmark(DType dtype) {
        WeightData square = weight(dtype, MODEL, MODEL);
        WeightData small = weight(dtype, KEY_VALUE, MODEL);
        WeightData up = weight(dtype, NEURONS, MODEL);
        WeightData down = weight(dtype, MODEL, NEURONS);
        FfnSpec spec = new FfnSpec(MODEL, NEURONS, 32, Activation.SILU, true);
        long start = System.nanoTime();
        for (int i = 0; i < LAYERS; i++) {
            qkv[i] = backend.weight(List.of(square, small, small));
            output[i] = backend.weight(square);
            ffn[i] = backend.ffn(new FfnData(spec, up, up, down, null, null));
        }
        WeightData vocabulary = weight(dtype, VOCABULARY, MODEL);
        head = backend.weight(vocabulary);
        router = backend.weight(weight(DType.F32, NEURONS / 32, MODEL));
        otherBytes = LAYERS * 2 * (square.bytes().byteSize() + small.bytes().byteSize())
                + vocabulary.bytes().byteSize();
        ffnBytes = LAYERS * 3 * up.bytes().byteSize();
        System.out.printf(
                Locale.ROOT,
                "%s: %.2f GB packed in %.1f s%n",
                dtype,
                (otherBytes + ffnBytes) / 1e9,
                (System.nanoTime() - start) / 1e9);
    }

    private WeightData weight(DType dtype, int rows, int columns) {
        return RandomWeights.repeated(dtype, rows, columns, random);
    }

    private Tensor input(int rows, int columns) {
        Tensor tensor = backend.allocate(DType.F32, rows, columns);
        queue.write(tensor, RandomWeights.floats(rows * columns, random));
        return tensor;
    }

    private void select(double active) {
        int experts = NEURONS / 32;
        int[] lists = new int[PROMPT * experts];
        int[] counts = new int[PROMPT];
        for (int t = 0; t < PROMPT; t++) {
            int count = 0;
            int wanted = (int) Math.round(active * experts);
            for (int e = 0; e < experts; e++) {
                if (random.nextInt(experts - e) < wanted - count) {
                    lists[t * experts + count++] = e;
                }
            }
            counts[t] = count;
        }
        queue.write(selection.experts(), lists);
        queue.write(selection.counts(), counts);
    }

    /** One pass of {@code rows} tokens that end at position {@code end}. */
    private void pass(int rows, int end, boolean sparse) {
        int[] position = new int[rows];
        for (int t = 0; t < rows; t++) {
            position[t] = end - rows + t;
        }
        queue.write(positions.rowRange(0, rows), position);
        Tensor state = x.rowRange(0, rows);
        Tensor n = normed.rowRange(0, rows);
        Tensor p = projected.rowRange(0, rows);
        Tensor a = attended.rowRange(0, rows);
        RowBatch batch = new RowBatch(positions.rowRange(0, rows), sequences.rowRange(0, rows), pages, POSITIONS);
        AttentionSpec attention = new AttentionSpec(32, 4, 64, 0.125f, true, 0, 0);
        NormSpec rms = new NormSpec(NormSpec.Kind.RMS, 1e-5f, 0);
        ExpertSelection chosen = selection.firstRows(rows);
        mark();
        for (int i = 0; i < LAYERS; i++) {
            queue.norm(n, state, norm, null, rms);
            mark();
            queue.linear(p, n, qkv[i], null, Write.SET);
            mark();
            Tensor k = p.columnRange(MODEL, MODEL + KEY_VALUE);
            Tensor v = p.columnRange(MODEL + KEY_VALUE, MODEL + 2 * KEY_VALUE);
            queue.appendKeyValue(keyCache, valueCache, k, v, batch);
            mark();
            queue.attention(a, p.columnRange(0, MODEL), keyCache, valueCache, batch, attention);
            mark();
            queue.linear(state, a, output[i], null, Write.SET);
            mark();
            queue.norm(n, state, norm, null, rms);
            mark();
            if (sparse) {
                queue.sparseFfn(state, n, ffn[i], chosen, Write.SET);
            } else {
                queue.denseFfn(state, n, ffn[i], Write.SET);
            }
            mark();
        }
        queue.norm(n.rowRange(rows - 1, rows), state.rowRange(rows - 1, rows), norm, null, rms);
        queue.linear(logits, n.rowRange(rows - 1, rows), head, null, Write.SET);
    }

    private void ffnOnly(int rows, boolean sparse) {
        Tensor n = normed.rowRange(0, rows);
        Tensor state = x.rowRange(0, rows);
        ExpertSelection chosen = selection.firstRows(rows);
        for (int i = 0; i < LAYERS; i++) {
            if (sparse) {
                queue.sparseFfn(state, n, ffn[i], chosen, Write.SET);
            } else {
                queue.denseFfn(state, n, ffn[i], Write.SET);
            }
        }
    }

    /** The median of alternating runs, in seconds. */
    private static double[] time(int repetitions, Runnable... runs) {
        double[][] seconds = new double[runs.length][repetitions];
        for (int i = -Math.max(8, repetitions / 4); i < repetitions; i++) {
            for (int r = 0; r < runs.length; r++) {
                long start = System.nanoTime();
                runs[r].run();
                if (i >= 0) {
                    seconds[r][i] = (System.nanoTime() - start) / 1e9;
                }
            }
        }
        double[] medians = new double[runs.length];
        for (int r = 0; r < runs.length; r++) {
            Arrays.sort(seconds[r]);
            medians[r] = seconds[r][repetitions / 2];
        }
        return medians;
    }

    private void decode(double bandwidthBytes, Runnable probe) {
        List<Runnable> runs = new ArrayList<>(List.of(probe, () -> pass(1, CONTEXT, false), () -> ffnOnly(1, false)));
        double[] shares = {0.5, 0.2};
        for (double share : shares) {
            runs.add(() -> select(share));
            runs.add(() -> pass(1, CONTEXT, true));
            runs.add(() -> ffnOnly(1, true));
        }
        runs.add(() -> {
            for (int i = 0; i < LAYERS; i++) {
                queue.linear(logits, normed.rowRange(0, 1), head, null, Write.SET);
            }
        });
        double[] t = time(Integer.getInteger("repetitions", 15), runs.toArray(Runnable[]::new));
        double bandwidth = bandwidthBytes / t[0];
        double dense = (otherBytes + ffnBytes) / t[1];
        System.out.printf(Locale.ROOT, "  bandwidth %.1f GB/s%n", bandwidth / 1e9);
        System.out.printf(
                Locale.ROOT,
                "  decode dense %.1f tok/s, %.1f GB/s = %.0f %% of the bound; ffn %.1f GB/s, head %.1f GB/s%n",
                1 / t[1],
                dense / 1e9,
                100 * dense / bandwidth,
                ffnBytes / t[2] / 1e9,
                LAYERS * headBytes() / t[t.length - 1] / 1e9);
        for (int i = 0; i < shares.length; i++) {
            double bytes = otherBytes + shares[i] * ffnBytes;
            double pass = t[3 + 3 * i + 1];
            double ffn = t[3 + 3 * i + 2];
            System.out.printf(
                    Locale.ROOT,
                    "  decode %.0f %% sparse %.1f tok/s, %.0f %% of the bound, %.2fx of byte-bound %.2fx; ffn %.1f GB/s, %.2fx%n",
                    100 * (1 - shares[i]),
                    1 / pass,
                    100 * bytes / pass / bandwidth,
                    t[1] / pass,
                    (otherBytes + ffnBytes) / bytes,
                    shares[i] * ffnBytes / ffn / 1e9,
                    t[2] / ffn);
        }
    }

    private double headBytes() {
        double perRow = (double) otherBytes / (VOCABULARY + LAYERS * 2.0 * (MODEL + KEY_VALUE));
        return perRow * VOCABULARY;
    }

    /** Median microseconds of every operation of a layer during whole passes of one token, and what is between them. */
    private void operations() {
        select(0.5);
        for (boolean sparse : new boolean[] {false, true}) {
            int passes = Integer.getInteger("repetitions", 15) + 5;
            marks = new long[passes][LAYERS * OPERATIONS.length + 1];
            for (pass = 0; pass < passes; pass++) {
                mark = 0;
                pass(1, CONTEXT, sparse);
            }
            StringBuilder line = new StringBuilder("  us of " + (sparse ? "sparse" : "dense"));
            for (int o = 0; o < OPERATIONS.length; o++) {
                double[] times = new double[(passes - 5) * LAYERS];
                double sum = 0;
                for (int p = 5; p < passes; p++) {
                    for (int i = 0; i < LAYERS; i++) {
                        int at = i * OPERATIONS.length + o;
                        times[(p - 5) * LAYERS + i] = (marks[p][at + 1] - marks[p][at]) / 1e3;
                        sum += times[(p - 5) * LAYERS + i];
                    }
                }
                Arrays.sort(times);
                line.append(String.format(
                        Locale.ROOT,
                        ", %s %.0f (mean %.0f)",
                        OPERATIONS[o],
                        times[times.length / 2],
                        sum / times.length));
            }
            System.out.println(line);
            marks = null;
        }
    }

    private void mark() {
        if (marks != null) {
            marks[pass][mark++] = System.nanoTime();
        }
    }

    private void prefill() {
        select(0.5);
        double[] t = time(
                3,
                () -> pass(PROMPT, PROMPT, false),
                () -> pass(PROMPT, PROMPT, true),
                () -> ffnOnly(PROMPT, false),
                () -> ffnOnly(PROMPT, true));
        System.out.printf(
                Locale.ROOT,
                "  prefill %d dense %.1f tok/s, 50 %% sparse %.1f tok/s; ffn alone %.2fx, %.1f GMAC/s%n",
                PROMPT,
                PROMPT / t[0],
                PROMPT / t[1],
                t[2] / t[3],
                3.0 * LAYERS * MODEL * NEURONS * PROMPT / t[2] / 1e9);
    }

    private void ffnOfPrompts() {
        select(0.5);
        double[] t = time(3, () -> ffnOnly(PROMPT, false), () -> ffnOnly(PROMPT, true));
        System.out.printf(
                Locale.ROOT,
                "  ffn of %d tokens: dense %.2f s, 50 %% sparse %.2f s, %.2fx%n",
                PROMPT,
                t[0],
                t[1],
                t[0] / t[1]);
    }

    private void batches() {
        StringBuilder line = new StringBuilder("  batch tok/s:");
        for (int rows : new int[] {2, 3, 4, 8, 16}) {
            double[] t = time(5, () -> pass(rows, CONTEXT, false));
            line.append(String.format(Locale.ROOT, " %d: %.1f", rows, rows / t[0]));
        }
        System.out.println(line);
    }

    @Override
    public void close() {
        backend.close();
    }

    public static void main(String[] arguments) {
        List<String> modes =
                List.of(System.getProperty("modes", "decode,batch,prefill").split(","));
        for (String name : arguments) {
            try (LayerBenchmark benchmark = new LayerBenchmark(DType.valueOf(name))) {
                ReadBandwidth probe = new ReadBandwidth(THREADS);
                if (modes.contains("decode")) {
                    benchmark.decode(probe.bytes(), probe);
                }
                if (modes.contains("operations")) {
                    benchmark.operations();
                }
                if (modes.contains("batch")) {
                    benchmark.batches();
                }
                if (modes.contains("ffn")) {
                    benchmark.ffnOfPrompts();
                }
                if (modes.contains("prefill")) {
                    benchmark.prefill();
                }
            }
        }
    }
}
