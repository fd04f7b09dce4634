package dev.lte.examples.benchmarks;

import dev.lte.train.Stage;
import dev.lte.train.StartingPoint;
import dev.lte.train.Training;
import dev.lte.train.TrainingData;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/**
 * How fast a model is trained from scratch on E2E NLG, beside the fastest product of matrices that the same backend reaches in the
 * same run: the dense stage of {@code e2e-llama.yaml} (5.4M parameters), or of {@code e2e-cpu.yaml} with {@code --shape small}.
 *
 * <pre>
 * java --add-modules jdk.incubator.vector -cp ... dev.lte.examples.benchmarks.TrainingSpeed --data trainset.csv.gz --steps 100
 * </pre>
 *
 * <p>Prints the loss every ten steps on standard error and one JSON object at the end.
 */
public final class TrainingSpeed {
    /** While kernels are compiled. */
    private static final int WARMUP = 5;

    /** Operations for a parameter and token: one product forward and two backward, of a multiplication and an addition each. */
    private static final double OPERATIONS = 6;

    private TrainingSpeed() {}

    public static void main(String[] arguments) throws IOException {
        Map<String, String> options = new LinkedHashMap<>(
                Map.of("--data", "", "--steps", "100", "--threads", "2", "--backend", "cpu", "--shape", "e2e"));
        for (int i = 0; i < arguments.length; i += 2) {
            if (!options.containsKey(arguments[i]) || i + 1 == arguments.length) {
                throw new IllegalArgumentException(
                        "expected options of " + options.keySet() + ", found " + arguments[i]);
            }
            options.put(arguments[i], arguments[i + 1]);
        }
        Path folder = Files.createTempDirectory("lte-training-speed");
        try {
            JsonMapper.shared().writeValue(System.out, measure(options, folder));
            System.out.println();
        } finally {
            delete(folder);
        }
    }

    private static String option(Map<String, String> options, String name) {
        return Objects.requireNonNull(options.get(name), name);
    }

    private static Map<String, Object> measure(Map<String, String> options, Path folder) throws IOException {
        String backend = option(options, "--backend");
        int threads = Integer.parseInt(option(options, "--threads"));
        double before = ProductSpeed.measure(backend, threads);
        List<TrainingEvent.Step> steps = new ArrayList<>();
        long[] parameters = {0};
        Training.of(plan(options, folder))
                .events()
                .doOnNext(event -> {
                    if (event instanceof TrainingEvent.Started started) {
                        parameters[0] = started.parameters();
                    } else if (event instanceof TrainingEvent.Step step) {
                        steps.add(step);
                        if (step.step() % 10 == 0) {
                            System.err.printf(
                                    Locale.ROOT,
                                    "step %d: loss %.3f, %,.0f tokens/s%n",
                                    step.step(),
                                    step.taskLoss(),
                                    step.tokensPerSecond());
                        }
                    }
                })
                .blockLast();
        double after = ProductSpeed.measure(backend, threads);
        double product = Math.max(before, after);
        double[] speeds = steps.stream()
                .skip(WARMUP)
                .mapToDouble(TrainingEvent.Step::tokensPerSecond)
                .sorted()
                .toArray();
        double median = speeds.length == 0 ? Double.NaN : speeds[speeds.length / 2];
        double operations = OPERATIONS * parameters[0] * median;
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("parameters", parameters[0]);
        result.put("threads", threads);
        result.put("steps", steps.size());
        result.put("tokensPerStep", steps.isEmpty() ? 0 : steps.getLast().tokens());
        result.put("tokensPerSecond", median);
        result.put("gigaOperationsPerSecond", operations / 1e9);
        result.put("productGigaOperationsPerSecond", product / 1e9);
        result.put("shareOfProduct", operations / product);
        result.put("peakResidentBytes", residentBytes());
        result.put(
                "losses",
                steps.stream()
                        .filter(step -> step.step() % 10 == 0 || step.step() == 1)
                        .map(TrainingEvent.Step::taskLoss)
                        .toList());
        return result;
    }

    private static TrainingPlan plan(Map<String, String> options, Path folder) {
        boolean small = option(options, "--shape").equals("small");
        return TrainingPlan.of(plan -> plan.start(
                        small
                                ? new StartingPoint.NewModel("llama", 128, 384, 3, 4, 4, 512, 192)
                                : new StartingPoint.NewModel("llama", 256, 768, 6, 8, 8, 1024, 192))
                .data(TrainingData.of(TrainingData.Format.E2E, Path.of(option(options, "--data"))))
                .folder(folder)
                .maxTokens(192)
                .backend(option(options, "--backend"))
                .threads(Integer.parseInt(option(options, "--threads")))
                .reportEvery(1)
                .checkpointEvery(1_000_000)
                .stage(Stage.dense(stage -> stage.steps(Long.parseLong(option(options, "--steps")))
                        .batch(small ? 32 : 256)
                        .rate(small ? 2e-3 : 1e-3))));
    }

    /** The most that the process had in memory, where the system says so (Linux); else 0. */
    private static long residentBytes() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (Files.notExists(status)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(0);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
