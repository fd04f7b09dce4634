package dev.lte;

import dev.lte.spi.ModelRuntime;
import java.nio.file.Path;
import java.util.List;

/** Loads models. */
public final class Lte {
    private Lte() {}

    /** As {@link #load(Path, LoadOptions)} with the defaults. */
    public static Model load(Path model) {
        return load(model, LoadOptions.defaults());
    }

    /**
     * Loads a generative model: a GGUF file, a hub directory ({@code config.json} with safetensors), or a llama2.c checkpoint.
     * Blocks until the model is ready.
     *
     * @throws ModelFormatException if the file is damaged
     * @throws UnsupportedModelException if it is sound but of a kind that LTE does not know
     * @throws BackendUnavailableException if the backend asked for cannot be used
     */
    public static Model load(Path model, LoadOptions options) {
        return ModelRuntime.find().load(model, options);
    }

    /** As {@link #loadClassifier(Path, LoadOptions)} with the defaults. */
    public static Classifier loadClassifier(Path model) {
        return loadClassifier(model, LoadOptions.defaults());
    }

    /**
     * Loads a model that classifies texts. Blocks until it is ready. Options about streams and caches do not matter here.
     *
     * @throws ModelFormatException if the file is damaged
     * @throws UnsupportedModelException if it is sound but no classifier that LTE knows
     * @throws BackendUnavailableException if the backend asked for cannot be used
     */
    public static Classifier loadClassifier(Path model, LoadOptions options) {
        return ModelRuntime.find().loadClassifier(model, options);
    }

    /**
     * Loads a model, measures it on a data set, and closes it again. Blocks until that is done. Many examples run together:
     * {@link LoadOptions.Builder#maxStreams} says how many generations.
     *
     * @throws LteException if the model, the data or an option does not fit
     */
    public static EvaluationReport evaluate(Path model, EvaluationRequest request, LoadOptions options) {
        return ModelRuntime.find().evaluate(model, request, options);
    }

    /**
     * Makes a dense model sparse without training: writes a GGUF file with routers that leave a share of the FFN out. Runs the
     * model over calibration text, which takes minutes for large models.
     *
     * @param target replaced when the new file is complete
     * @param options how the model is run meanwhile, and who is told of progress
     * @throws LteException if the model, the text or an option does not fit
     */
    public static SparsifyReport sparsify(Path source, Path target, SparsifyOptions how, LoadOptions options) {
        return ModelRuntime.find().sparsify(source, target, how, options);
    }

    /**
     * Puts the neurons of every FFN in the order of experts and writes the model as GGUF; it computes what it computed before. A
     * training plan with {@link dev.lte.train.GroupingMethod#CONSECUTIVE} trains with these experts.
     *
     * @param target replaced when the new file is complete
     * @param options who is told of progress, and how the model is run where the method needs its activations
     * @throws UnsupportedModelException if the model has routers, for which its order is the right one
     * @throws LteException if the model, the text or an option does not fit
     */
    public static GroupingReport group(Path source, Path target, GroupingOptions how, LoadOptions options) {
        return ModelRuntime.find().group(source, target, how, options);
    }

    /** Every backend provider that can be found, best first, with its device or the reason why it cannot be used. */
    public static List<BackendReport> backends() {
        return ModelRuntime.find().backends();
    }
}
