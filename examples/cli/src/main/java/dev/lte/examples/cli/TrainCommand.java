package dev.lte.examples.cli;

import dev.lte.train.Training;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Trains a model as a configuration file says, in a folder with all that is needed to repeat the run. */
@Command(
        name = "train",
        description =
                "Trains a model as a configuration file says: dense, then its routers, then with the experts that they"
                        + " choose. Examples of configurations are in examples/experiments.")
final class TrainCommand implements Callable<Integer> {
    /** What a shell reports for Ctrl-C. */
    private static final int INTERRUPTED = 130;

    /** Events that may wait between the run and the terminal. */
    private static final int EVENTS_AHEAD = 256;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", arity = "0..1", paramLabel = "CONFIG", description = "The configuration, YAML.")
    private @Nullable Path config;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FOLDER",
            description = "The run's folder. Default: runs/ and the configuration's name.")
    private @Nullable Path folder;

    @Option(
            names = "--resume",
            paramLabel = "FOLDER",
            description = "Go on with the run in this folder from its last checkpoint.")
    private @Nullable Path resume;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description =
                    "Replace a value of the configuration, such as stages.1.eta=0.5 (stages count from 0); may be given"
                            + " several times.")
    private List<String> assignments = List.of();

    @Option(names = "--json", description = "Print the last event as one JSON object, and nothing else.")
    private boolean json;

    @Override
    public Integer call() {
        if ((config == null) == (resume == null)) {
            throw new ParameterException(spec.commandLine(), "give a configuration, or --resume with a run's folder");
        }
        return resume == null ? begin(config) : goOn(resume);
    }

    private int begin(@Nullable Path file) {
        if (file == null || !Files.exists(file)) {
            throw new ParameterException(spec.commandLine(), "there is no file " + file);
        }
        Path target = folder == null ? defaultFolder(file) : folder;
        if (Files.exists(target.resolve(RunRecord.CONFIG))) {
            throw new ParameterException(
                    spec.commandLine(),
                    target + " has a run already; --resume " + target + " goes on with it, --out names another folder");
        }
        ConfigFile configuration = ConfigFile.read(file);
        assignments.forEach(configuration::set);
        TrainingPlan plan = configuration.bind().plan(target);
        try (RunRecord record = RunRecord.create(target, configuration.yaml(), plan)) {
            return run(plan, record);
        }
    }

    private static Path defaultFolder(Path file) {
        String name = String.valueOf(file.getFileName());
        int dot = name.lastIndexOf('.');
        return Path.of("runs", dot > 0 ? name.substring(0, dot) : name);
    }

    private int goOn(Path target) {
        if (folder != null) {
            throw new ParameterException(spec.commandLine(), "--out and --resume exclude each other");
        }
        Path file = target.resolve(RunRecord.CONFIG);
        if (!Files.exists(file)) {
            throw new ParameterException(
                    spec.commandLine(), target + " is no folder of a run: it has no " + RunRecord.CONFIG);
        }
        ConfigFile configuration = ConfigFile.read(file);
        assignments.forEach(configuration::set);
        TrainingPlan plan = configuration.bind().plan(target);
        try (RunRecord record = RunRecord.resume(target)) {
            return run(plan, record);
        }
    }

    @SuppressWarnings("try") // the watch ends with the run; nobody asks it anything
    private int run(TrainingPlan plan, RunRecord record) {
        Training training = Training.of(plan);
        TrainingEvent last = null;
        try (Interruption interruption = Interruption.watch(training::stop);
                TrainingReport report = new TrainingReport(spec.commandLine().getErr())) {
            for (TrainingEvent event : training.events().toIterable(EVENTS_AHEAD)) {
                record.add(event);
                report.accept(event);
                last = event;
            }
        }
        if (json && last != null) {
            Json.print(spec.commandLine().getOut(), last);
        }
        return last instanceof TrainingEvent.Stopped ? INTERRUPTED : 0;
    }
}
