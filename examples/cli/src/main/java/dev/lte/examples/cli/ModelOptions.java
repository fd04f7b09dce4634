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

    private static final String STORY_MODEL = "tinystories-656k.gguf";

    @Spec(Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "PATH",
            description = "GGUF file, hub directory (config.json with safetensors), or llama2.c checkpoint."
                    + " Default: the small story model that comes with the examples.")
    private @Nullable Path model;

    /** The model's path, which exists. */
    Path path() {
        Path path = model;
        if (path == null) {
            String models = System.getProperty(MODELS_PROPERTY);
            if (models == null) {
                throw new ParameterException(
                        spec.commandLine(), "--model is required (only the examples/lte launcher has a default model)");
            }
            path = Path.of(models, STORY_MODEL);
        }
        if (!Files.exists(path)) {
            throw new ParameterException(spec.commandLine(), "--model: there is no file or directory " + path);
        }
        return path;
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
