package dev.lte.examples.cli;

import dev.lte.Classifier;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Which model. */
final class ModelOptions {
    /** System property that the launcher sets: the folder with the story model. */
    static final String MODELS_PROPERTY = "lte.examples.models";

    static final String STORIES = "tinystories-656k";

    static final String RESTAURANTS = "e2e-restaurants";

    private static final String SUFFIX = ".gguf";

    @Spec(Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "PATH",
            description = "GGUF file, hub directory (config.json with safetensors), or llama2.c checkpoint; or"
                    + " tinystories-656k (the default) or e2e-restaurants, which come with the examples.")
    private @Nullable Path model;

    /** The model's path, which exists. */
    Path path() {
        Path path = model == null ? ofExamples(STORIES) : model;
        if (!Files.exists(path) && path.getNameCount() == 1) {
            path = ofExamples(path.toString());
        }
        if (!Files.exists(path)) {
            throw new ParameterException(
                    spec.commandLine(), "--model: there is no file or directory " + (model == null ? path : model));
        }
        return path;
    }

    /** Takes a model of the examples if none was named. */
    void useIfNoneIsNamed(String example) {
        if (model == null) {
            model = ofExamples(example);
        }
    }

    private Path ofExamples(String name) {
        String models = System.getProperty(MODELS_PROPERTY);
        if (models == null) {
            throw new ParameterException(
                    spec.commandLine(),
                    model == null
                            ? "--model is required (only the examples/lte launcher has a default model)"
                            : "--model: there is no file or directory " + model);
        }
        return Path.of(models, name + SUFFIX);
    }

    /** Loads the model, with a progress bar on a terminal. */
    Model load(LoadOptionsMixin how) {
        return load(how, options -> {}, Lte::load);
    }

    /** As {@link #load(LoadOptionsMixin)}, with further options. */
    Model load(LoadOptionsMixin how, Consumer<LoadOptions.Builder> more) {
        return load(how, more, Lte::load);
    }

    /** Whether no model was named, so that the one of the examples is meant. */
    boolean isStoryModel() {
        return model == null;
    }

    /** As {@link #load} for a model that classifies. */
    Classifier loadClassifier(LoadOptionsMixin how) {
        return load(how, options -> {}, Lte::loadClassifier);
    }

    private <T> T load(
            LoadOptionsMixin how, Consumer<LoadOptions.Builder> more, BiFunction<Path, LoadOptions, T> loader) {
        PrintWriter err = spec.commandLine().getErr();
        try (ProgressBar bar = ProgressBar.on(err)) {
            return loader.apply(
                    path(),
                    LoadOptions.of(options -> more.accept(how.apply(options).progress(bar))));
        }
    }
}
