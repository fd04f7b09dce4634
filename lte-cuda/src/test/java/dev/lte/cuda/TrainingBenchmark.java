package dev.lte.cuda;

import dev.lte.backend.Activation;
import dev.lte.backend.AdamWSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.train.AdamW;
import dev.lte.core.train.Matrix;
import dev.lte.core.train.TrainingBatch;
import dev.lte.core.train.TrainingModel;
import dev.lte.core.train.TrainingOptions;
import dev.lte.core.train.WeightValues;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Times whole steps of training (forward, backward, clipping, AdamW) of random models on random tokens: dense, and with soft
 * routing and the losses of stage 1. Arguments: shapes (llama-15m, gpt2-124m, e2e), each with an optional {@code :f32}; steps
 * from the property {@code lte.benchmark.steps} (12). With {@code lte.benchmark.profile} set, one more step waits behind every
 * operation and lists where the time went.
 */
final class TrainingBenchmark {
    private static final int EXPERT_SIZE = 32;
    private static final RoutingLossSpec ROUTING = new RoutingLossSpec(RoutingLossSpec.Efficiency.SQUARED, 0.5f, 1e-4f);

    private record Shape(
            String name, int model, int ffn, int layers, int heads, int vocabulary, boolean llama, int[] lengths) {
        ModelConfig config() {
            int headSize = model / heads;
            int longest = Arrays.stream(lengths).max().orElseThrow();
            List<Double> frequencies = IntStream.range(0, headSize / 2)
                    .mapToObj(i -> Math.pow(10_000, -2.0 * i / headSize))
                    .toList();
            int rope = llama ? 0 : -1;
            return new ModelConfig(
                    name,
                    model,
                    ffn,
                    heads,
                    heads,
                    headSize,
                    vocabulary,
                    longest,
                    new NormSpec(llama ? NormSpec.Kind.RMS : NormSpec.Kind.LAYER, 1e-5f, 0),
                    ModelConfig.NormPlacement.BEFORE,
                    llama ? Activation.SILU : Activation.GELU_TANH,
                    llama,
                    1,
                    0,
                    llama ? List.of(new ModelConfig.Rope(frequencies, 1, RopeSpec.Pairing.HALVES)) : List.of(),
                    (float) (1 / Math.sqrt(headSize)),
                    0,
                    0,
                    true,
                    0,
                    List.of(),
                    Collections.nCopies(layers, new ModelConfig.Layer(0, rope)),
                    new ModelConfig.Routing(EXPERT_SIZE, 0.5f));
        }

        /** Random weights, heads tied to the embedding. */
        WeightValues weights() {
            return (role, layer) -> {
                int rows = rows(role);
                int columns = role == WeightRole.DOWN || role == WeightRole.UP_BIAS ? ffn : model;
                if (rows == 0) {
                    return null;
                }
                float[] values = new float[rows * columns];
                SplittableRandom random = new SplittableRandom(role.ordinal() * 100L + layer);
                boolean norm = role.name().endsWith("NORM");
                for (int i = 0; i < values.length; i++) {
                    values[i] = norm ? 1 : 0.02f * (float) random.nextGaussian();
                }
                return new Matrix(rows, columns, values);
            };
        }

        private int rows(WeightRole role) {
            return switch (role) {
                case TOKEN_EMBEDDING -> vocabulary;
                case POSITION_EMBEDDING ->
                    llama ? 0 : Arrays.stream(lengths).max().orElseThrow();
                case QUERY, KEY, VALUE, ATTENTION_OUTPUT, DOWN -> model;
                case GATE -> llama ? ffn : 0;
                case UP -> ffn;
                case ROUTER -> ffn / EXPERT_SIZE;
                case ATTENTION_NORM, FFN_NORM, FINAL_NORM -> 1;
                case ATTENTION_NORM_BIAS,
                        FFN_NORM_BIAS,
                        FINAL_NORM_BIAS,
                        QUERY_BIAS,
                        KEY_BIAS,
                        VALUE_BIAS,
                        ATTENTION_OUTPUT_BIAS,
                        UP_BIAS,
                        DOWN_BIAS -> llama ? 0 : 1;
                default -> 0;
            };
        }

        TrainingBatch batch() {
            int[] starts = new int[lengths.length + 1];
            for (int b = 0; b < lengths.length; b++) {
                starts[b + 1] = starts[b] + lengths[b];
            }
            int rows = starts[lengths.length];
            SplittableRandom random = new SplittableRandom(7);
            int[] ids = random.ints(rows, 0, vocabulary).toArray();
            int[] targets = random.ints(rows, 0, vocabulary).toArray();
            float[] weights = new float[rows];
            Arrays.fill(weights, 1f / rows);
            return new TrainingBatch(ids, starts, targets, weights, 1f / rows);
        }

        int rows() {
            return Arrays.stream(lengths).sum();
        }

        static Shape of(String name) {
            int[] some = new SplittableRandom(3).ints(256, 64, 101).toArray();
            return switch (name) {
                case "llama-15m" -> new Shape(name, 288, 768, 6, 6, 32_000, true, filled(64, 256));
                case "gpt2-124m" -> new Shape(name, 768, 3072, 12, 12, 50_304, false, filled(32, 1024));
                case "e2e" -> new Shape(name, 256, 768, 6, 8, 1024, true, some);
                default -> throw new IllegalArgumentException("no shape " + name);
            };
        }

        private static int[] filled(int sequences, int tokens) {
            int[] lengths = new int[sequences];
            Arrays.fill(lengths, tokens);
            return lengths;
        }
    }

    private TrainingBenchmark() {}

    private static void run(Backend backend, Shape shape, DType type, int steps) {
        boolean profile = System.getProperty("lte.benchmark.profile") != null;
        TreeMap<String, double[]> times = new TreeMap<>();
        boolean[] measuring = new boolean[1];
        try (KernelQueue queue = profile ? watched(backend.openQueue(), times, measuring) : backend.openQueue();
                TrainingModel model = model(backend, queue, shape, type);
                AdamW optimizer = new AdamW(
                        backend, queue, model.parameters().all(), new AdamWSpec(0.9f, 0.999f, 1e-8f, 0.1f), 1)) {
            TrainingBatch batch = shape.batch();
            for (Gating gating : List.of(Gating.NONE, Gating.SOFT)) {
                boolean soft = gating.mode() == Gating.Mode.SOFT;
                Runnable step = () -> {
                    model.clear();
                    model.train(batch, gating, ROUTING, soft ? 0.3f : 0, soft ? 0.01f : 0);
                    optimizer.step(1e-4f);
                };
                double first = 0;
                double[] took = new double[steps];
                double[] enqueued = new double[steps];
                for (int i = -4; i < steps; i++) {
                    long start = System.nanoTime();
                    step.run();
                    long mid = System.nanoTime();
                    double loss = model.losses().task();
                    if (i < 0) {
                        first = i == -4 ? loss : first;
                    } else {
                        took[i] = (System.nanoTime() - start) / 1e6;
                        enqueued[i] = (mid - start) / 1e6;
                    }
                }
                Arrays.sort(took);
                Arrays.sort(enqueued);
                System.out.printf(
                        "{\"shape\": \"%s\", \"type\": \"%s\", \"mode\": \"%s\", \"tokens\": %d, \"median_ms\": %.2f,"
                                + " \"p10_ms\": %.2f, \"enqueue_ms\": %.2f, \"ktok_per_s\": %.0f, \"loss\": \"%.4f to"
                                + " %.4f\"}%n",
                        shape.name(),
                        type,
                        soft ? "soft" : "dense",
                        shape.rows(),
                        took[steps / 2],
                        took[steps / 10],
                        enqueued[steps / 2],
                        shape.rows() / took[steps / 2],
                        first,
                        model.losses().task());
                if (profile) {
                    measuring[0] = true;
                    step.run();
                    measuring[0] = false;
                    report(times);
                }
            }
        }
    }

    private static void report(Map<String, double[]> times) {
        double sum = times.values().stream().mapToDouble(t -> t[0]).sum();
        System.out.printf("  operations one by one: %.2f ms%n", sum);
        times.entrySet().stream()
                .sorted((a, b) -> Double.compare(b.getValue()[0], a.getValue()[0]))
                .limit(24)
                .forEach(e -> System.out.printf(
                        "  %7.3f ms %4.0f x %7.1f us  %s%n",
                        e.getValue()[0], e.getValue()[1], 1000 * e.getValue()[0] / e.getValue()[1], e.getKey()));
        times.clear();
    }

    private static TrainingModel model(Backend backend, KernelQueue queue, Shape shape, DType type) {
        int rows = shape.rows();
        int longest = Arrays.stream(shape.lengths()).max().orElseThrow();
        TrainingOptions options =
                new TrainingOptions(type, rows, shape.lengths().length, longest, Math.min(rows, 8192));
        return new TrainingModel(shape.config(), shape.weights(), backend, queue, options);
    }

    /** The queue, whose operations of training can be timed one by one. */
    private static KernelQueue watched(KernelQueue queue, Map<String, double[]> times, boolean[] measuring) {
        TrainingKernels kernels = queue.training();
        ClassLoader loader = TrainingBenchmark.class.getClassLoader();
        Object watched =
                Proxy.newProxyInstance(loader, new Class<?>[] {TrainingKernels.class}, (proxy, method, args) -> {
                    if (!measuring[0]) {
                        return invoke(kernels, method, args);
                    }
                    queue.await();
                    long start = System.nanoTime();
                    Object result = invoke(kernels, method, args);
                    queue.await();
                    StringBuilder key = new StringBuilder(method.getName());
                    for (Object arg : args) {
                        if (arg instanceof Tensor tensor && key.length() < 90) {
                            key.append(' ').append(tensor);
                        }
                    }
                    double[] sum = times.computeIfAbsent(key.toString(), k -> new double[2]);
                    sum[0] += (System.nanoTime() - start) / 1e6;
                    sum[1]++;
                    return result;
                });
        return (KernelQueue) Proxy.newProxyInstance(
                loader,
                new Class<?>[] {KernelQueue.class},
                (proxy, method, args) -> method.getName().equals("training") ? watched : invoke(queue, method, args));
    }

    private static Object invoke(Object target, java.lang.reflect.Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(target, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    public static void main(String[] arguments) {
        int steps = Integer.getInteger("lte.benchmark.steps", 12);
        try (Backend backend = new CudaBackendProvider().open(BackendOptions.defaults())) {
            System.out.println("{\"device\": \"" + backend.device().description() + "\"}");
            for (String argument : arguments) {
                boolean exact = argument.endsWith(":f32");
                String name = exact ? argument.substring(0, argument.length() - 4) : argument;
                run(backend, Shape.of(name), exact ? DType.F32 : DType.BF16, steps);
            }
        }
    }
}
