package dev.lte.spi;

import dev.lte.BackendReport;
import dev.lte.Classifier;
import dev.lte.ConversionReport;
import dev.lte.EvaluationReport;
import dev.lte.EvaluationRequest;
import dev.lte.GroupingOptions;
import dev.lte.GroupingReport;
import dev.lte.LoadOptions;
import dev.lte.Model;
import dev.lte.ModelFileInfo;
import dev.lte.Progress;
import dev.lte.SparsifyOptions;
import dev.lte.SparsifyReport;
import dev.lte.SyntheticModel;
import dev.lte.Tokenizer;
import dev.lte.WeightType;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import reactor.core.publisher.Flux;

/** What lte-core provides to {@link dev.lte.Lte} and {@link dev.lte.ModelFiles}. */
public interface ModelRuntime {
    Model load(Path model, LoadOptions options);

    Classifier loadClassifier(Path model, LoadOptions options);

    EvaluationReport evaluate(Path model, EvaluationRequest request, LoadOptions options);

    SparsifyReport sparsify(Path source, Path target, SparsifyOptions how, LoadOptions options);

    List<BackendReport> backends();

    ModelFileInfo inspect(Path model);

    ConversionReport convert(Path source, Path target, WeightType type, Consumer<Progress> progress);

    void synthesize(SyntheticModel description, Path target, Consumer<Progress> progress);

    Tokenizer tokenizer(Path model);

    GroupingReport group(Path source, Path target, GroupingOptions how, LoadOptions options);

    /** @param stopped asked between steps; once true, the run ends in order */
    Flux<TrainingEvent> train(TrainingPlan plan, BooleanSupplier stopped);

    /**
     * The runtime on the class path or module path.
     *
     * @throws IllegalStateException if lte-core is not there
     */
    static ModelRuntime find() {
        return ServiceLoader.load(ModelRuntime.class, ModelRuntime.class.getClassLoader())
                .findFirst()
                .orElseThrow(() ->
                        new IllegalStateException("no model runtime found; add dev.lte:lte-core to the application"));
    }
}
