package dev.lte.examples.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs engines in turn, each in a process of its own, and compares the medians. An entrant is {@code engine=model}, the engine
 * one of lte, lte-dense and llama.cpp (through its Java binding); the first one is what the others are compared with:
 *
 * <pre>
 * java -cp ... dev.lte.examples.benchmarks.Comparison --threads 2 --prompt 128 --generate 32 --rounds 3 --out folder \
 *     llama.cpp=tiny.gguf lte=tiny.gguf lte=tiny-50.gguf lte=tiny-80.gguf
 * </pre>
 *
 * <p>Writes comparison.csv, comparison.json and comparison.svg.
 */
public final class Comparison {
    private static final int RUNS_OF_A_PROCESS = 2;

    private Comparison() {}

    private record Entrant(String engine, Path model) {
        static Entrant of(String argument) {
            int equals = argument.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException("expected engine=model, found " + argument);
            }
            return new Entrant(argument.substring(0, equals), Path.of(argument.substring(equals + 1)));
        }

        String label() {
            return engine + " " + model.getFileName();
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Map<String, String> options = new LinkedHashMap<>(
                Map.of("--threads", "2", "--prompt", "128", "--generate", "32", "--rounds", "3", "--out", "."));
        List<Entrant> entrants = new ArrayList<>();
        for (int i = 0; i < arguments.length; i++) {
            if (options.containsKey(arguments[i]) && i + 1 < arguments.length) {
                options.put(arguments[i], arguments[++i]);
            } else {
                entrants.add(Entrant.of(arguments[i]));
            }
        }
        if (entrants.isEmpty()) {
            throw new IllegalArgumentException("expected at least one engine=model");
        }
        int threads = Integer.parseInt(option(options, "--threads"));
        List<List<Speeds>> speeds = new ArrayList<>();
        entrants.forEach(entrant -> speeds.add(new ArrayList<>()));
        List<Double> bandwidths = new ArrayList<>();
        for (int round = 0; round < Integer.parseInt(option(options, "--rounds")); round++) {
            bandwidths.add(ReadBandwidth.measure(threads) / 1e9);
            for (int i = 0; i < entrants.size(); i++) {
                speeds.get(i).addAll(run(entrants.get(i), options));
                System.err.printf(
                        "round %d: %s %s%n",
                        round + 1, entrants.get(i).label(), speeds.get(i).getLast());
            }
        }
        List<ComparisonRow> rows = new ArrayList<>();
        for (int i = 0; i < entrants.size(); i++) {
            rows.add(ComparisonRow.of(entrants.get(i).label(), speeds.get(i), speeds.getFirst()));
        }
        write(Path.of(option(options, "--out")), options, ComparisonRow.median(bandwidths), rows);
    }

    private static String option(Map<String, String> options, String name) {
        return Objects.requireNonNull(options.get(name), name);
    }

    private static String property(String name) {
        return Objects.requireNonNull(System.getProperty(name), name);
    }

    private static List<Speeds> run(Entrant entrant, Map<String, String> options)
            throws IOException, InterruptedException {
        List<String> command = List.of(
                Path.of(property("java.home"), "bin", "java").toString(),
                "-Xmx2g",
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                property("java.class.path"),
                EngineRun.class.getName(),
                entrant.engine(),
                entrant.model().toString(),
                option(options, "--threads"),
                option(options, "--prompt"),
                option(options, "--generate"),
                Integer.toString(RUNS_OF_A_PROCESS));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<Speeds> result = new ArrayList<>();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(EngineRun.RESULT)) {
                    String[] parts = line.substring(EngineRun.RESULT.length()).split(" ");
                    result.add(new Speeds(Double.parseDouble(parts[0]), Double.parseDouble(parts[1])));
                }
            }
        }
        int status = process.waitFor();
        if (status != 0 || result.isEmpty()) {
            throw new IllegalStateException(
                    entrant.label() + ": the process ended with " + status + "; run EngineRun by itself to see why");
        }
        return result;
    }

    private static void write(Path folder, Map<String, String> options, double bandwidth, List<ComparisonRow> rows)
            throws IOException {
        Files.createDirectories(folder);
        StringBuilder csv = new StringBuilder(
                "entrant,prompt_tokens_per_second,decode_tokens_per_second,prompt_ratio,decode_ratio\n");
        for (ComparisonRow row : rows) {
            csv.append(String.format(
                    Locale.ROOT,
                    "%s,%.2f,%.2f,%.3f,%.3f%n",
                    row.entrant(),
                    row.prompt(),
                    row.decode(),
                    row.promptRatio(),
                    row.decodeRatio()));
        }
        Files.writeString(folder.resolve("comparison.csv"), csv);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("java", property("java.vm.version"));
        all.put("processors", Runtime.getRuntime().availableProcessors());
        all.put("readBandwidthGBps", bandwidth);
        all.put("options", options);
        all.put("rows", rows);
        JsonMapper.builder()
                .build()
                .writerWithDefaultPrettyPrinter()
                .writeValue(folder.resolve("comparison.json").toFile(), all);
        Files.writeString(folder.resolve("comparison.svg"), BarChart.of("decode, tokens a second", rows));
        System.out.print(csv);
    }
}
