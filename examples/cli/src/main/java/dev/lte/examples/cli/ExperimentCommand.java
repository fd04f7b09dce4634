package dev.lte.examples.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Runs a suite by the commands {@code train}, {@code eval} and {@code plot}, which are shown as they are run. What is done already
 * is not done again, so that a suite that was interrupted goes on.
 */
@Command(
        name = "experiment",
        description =
                "Trains and judges a suite of runs that are compared: several recipes, seeds, baselines and thresholds."
                        + " Goes on where it was interrupted. Suites are in examples/experiments/suites.")
final class ExperimentCommand implements Callable<Integer> {
    static final String RESULTS = "results.jsonl";
    static final String TABLE = "results.md";
    static final String PICTURE = "results.svg";

    private static final String MODEL = "model.gguf";

    @Spec
    private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "NAME",
            description = "A suite: a YAML file, or a name in examples/experiments/suites.")
    private String name;

    @Option(
            names = "--data",
            paramLabel = "FOLDER",
            description = "Where the data files are that the suite names. Default: the current folder.")
    private Path data = Path.of("");

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FOLDER",
            description = "The suite's folder. Default: runs/ and its name.")
    private @Nullable Path folder;

    @Option(
            names = "--only",
            paramLabel = "LABEL",
            split = ",",
            description = "Only these runs, with what is made of them.")
    private List<String> only = List.of();

    @Option(names = "--seeds", paramLabel = "N", split = ",", description = "Instead of the suite's own seeds.")
    private List<Long> seeds = List.of();

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "Replace a value in every run's configuration, as of 'lte train'.")
    private List<String> assignments = List.of();

    @Option(
            names = {"-b", "--backend"},
            paramLabel = "NAME",
            defaultValue = "auto",
            description = "For training and judging; see 'lte backends'. Default: auto.")
    private String backend;

    @Option(names = "--limit", paramLabel = "N", description = "Judge by the first N examples only.")
    private int limit;

    private Set<String> known = new HashSet<>();

    @Override
    public Integer call() {
        Path file = file();
        Experiment experiment = Experiment.read(file);
        Path target = folder == null ? Path.of("runs", stem(file)) : folder;
        Path results = target.resolve(RESULTS);
        known = known(results);
        for (long seed : seeds.isEmpty() ? experiment.seeds() : seeds) {
            for (Experiment.Run run : experiment.runs()) {
                if (only.isEmpty() || only.contains(run.label())) {
                    int code = run(experiment, file, run, seed, target, results);
                    if (code != ExitCode.OK) {
                        return code;
                    }
                }
            }
        }
        return summarize(experiment, target, results);
    }

    private Path file() {
        Path given = Path.of(name);
        String models = System.getProperty(ModelOptions.MODELS_PROPERTY);
        Path named = models == null
                ? given
                : Path.of(models).resolveSibling("experiments/suites").resolve(name + ".yaml");
        Path found = Files.isRegularFile(given) ? given : named;
        if (!Files.isRegularFile(found)) {
            throw new ParameterException(
                    spec.commandLine(), "there is neither a file " + given + " nor a suite " + named);
        }
        return found.toAbsolutePath();
    }

    private static String stem(Path file) {
        return String.valueOf(file.getFileName()).replaceFirst("\\.[^.]*$", "");
    }

    private int run(Experiment experiment, Path file, Experiment.Run run, long seed, Path target, Path results) {
        String trained = run.label() + "-" + seed;
        Path own = target.resolve(trained);
        int code = Files.exists(own.resolve(MODEL)) ? ExitCode.OK : train(file, run, seed, own);
        if (code != ExitCode.OK) {
            return code;
        }
        List<Judgement> judgements = new ArrayList<>();
        judgements.add(new Judgement(run.label(), seriesOf(run.label()), seed, List.of()));
        for (Experiment.Baseline baseline : experiment.baselines()) {
            if (baseline.of().equals(run.label())) {
                for (double sparsity : baseline.sparsities()) {
                    List<String> options = new ArrayList<>(
                            List.of("--routing", baseline.routing(), "--sparsity", String.valueOf(sparsity)));
                    if (experiment.calibration() != null) {
                        Path calibration = data.resolve(experiment.calibration());
                        options.addAll(List.of("--calibration", calibration.toString()));
                    }
                    if (experiment.expertSize() != null) {
                        options.addAll(List.of("--expert-size", String.valueOf(experiment.expertSize())));
                    }
                    judgements.add(
                            new Judgement(baseline.routing() + "-" + sparsity, baseline.routing(), seed, options));
                }
            }
        }
        for (Experiment.Dial dial : experiment.dials()) {
            if (dial.of().equals(run.label())) {
                for (double threshold : dial.thresholds()) {
                    judgements.add(new Judgement(
                            run.label() + "-tau-" + threshold,
                            run.label() + "-tau",
                            seed,
                            List.of("--tau", String.valueOf(threshold))));
                }
            }
        }
        for (Judgement judgement : judgements) {
            if (known.add(judgement.key())) {
                code = judge(experiment, judgement, own.resolve(MODEL), results);
                if (code != ExitCode.OK) {
                    return code;
                }
            }
        }
        return ExitCode.OK;
    }

    /** Runs of one recipe whose labels end in a number form a line. */
    private static String seriesOf(String label) {
        return label.replaceFirst("-[0-9.]+$", "");
    }

    /**
     * @param label its row of the table
     * @param series its line of the picture
     */
    private record Judgement(String label, String series, long seed, List<String> options) {
        String key() {
            return label + "/" + seed;
        }
    }

    private int train(Path file, Experiment.Run run, long seed, Path own) {
        List<String> arguments = new ArrayList<>(List.of("train"));
        if (Files.exists(own.resolve(RunRecord.CONFIG))) {
            arguments.addAll(List.of("--resume", own.toString()));
        } else {
            Path configuration = file.resolveSibling(run.train()).normalize();
            arguments.addAll(List.of(configuration.toString(), "-o", own.toString()));
            ConfigFile.read(configuration)
                    .dataFiles()
                    .forEach((key, path) -> set(arguments, key + "=" + data.resolve(path.getFileName())));
            set(arguments, "seed=" + seed);
            if (!backend.equals("auto")) {
                set(arguments, "backend=" + backend);
            }
            run.set().forEach(assignment -> set(arguments, assignment));
            assignments.forEach(assignment -> set(arguments, assignment));
        }
        return execute(arguments, spec.commandLine().getOut());
    }

    private static void set(List<String> arguments, String assignment) {
        arguments.addAll(List.of("--set", assignment));
    }

    private int judge(Experiment experiment, Judgement judgement, Path model, Path results) {
        List<String> arguments = new ArrayList<>(List.of("eval", "-m", model.toString()));
        arguments.addAll(List.of("--task", experiment.task(), "--backend", backend, "--json"));
        arguments.addAll(List.of("--data", data.resolve(experiment.data()).toString()));
        if (limit > 0) {
            arguments.addAll(List.of("--limit", String.valueOf(limit)));
        }
        arguments.addAll(judgement.options());
        StringWriter printed = new StringWriter();
        int code = execute(arguments, new PrintWriter(printed));
        if (code == ExitCode.OK) {
            JsonMapper mapper = JsonMapper.shared();
            ObjectNode line = mapper.createObjectNode();
            line.put("label", judgement.label());
            line.put("series", judgement.series());
            line.put("seed", judgement.seed());
            line.setAll((ObjectNode) mapper.readTree(printed.toString()));
            append(results, line.toString());
        }
        return code;
    }

    private int execute(List<String> arguments, PrintWriter out) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("lte " + String.join(" ", arguments));
        err.flush();
        CommandLine command = LteCommand.commandLine().setOut(out).setErr(err);
        int code = command.execute(arguments.toArray(String[]::new));
        out.flush();
        return code;
    }

    private static void append(Path results, String line) {
        try {
            Files.createDirectories(results.toAbsolutePath().getParent());
            Files.writeString(results, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + results, e);
        }
    }

    private static Set<String> known(Path results) {
        Set<String> keys = new HashSet<>();
        if (Files.exists(results)) {
            for (ResultPoint point : ResultPoint.read(List.of(results.toString()))) {
                JsonNode fields = point.fields();
                keys.add(fields.path("label").asString("") + "/"
                        + fields.path("seed").asLong());
            }
        }
        return keys;
    }

    private int summarize(Experiment experiment, Path target, Path results) {
        List<ResultPoint> points = ResultPoint.read(List.of(results.toString()));
        String table = "# " + stem(file()) + "\n\n" + experiment.about() + "\n\n" + ResultPoint.means(points);
        try {
            Files.writeString(target.resolve(TABLE), table);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + target, e);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.print(table);
        out.flush();
        return execute(
                List.of(
                        "plot",
                        results.toString(),
                        "-o",
                        target.resolve(PICTURE).toString()),
                new PrintWriter(new StringWriter()));
    }
}
