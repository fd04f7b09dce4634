package dev.lte.examples.cli;

import dev.lte.InvalidRequestException;
import dev.lte.WeightType;
import dev.lte.train.Decay;
import dev.lte.train.GroupingMethod;
import dev.lte.train.Precision;
import dev.lte.train.Recipe;
import dev.lte.train.Stage;
import dev.lte.train.StartingPoint;
import dev.lte.train.TrainingData;
import dev.lte.train.TrainingPlan;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The configuration file of {@code lte train}. What is left out has the default of {@link TrainingPlan} and {@link Stage}, whose
 * options have the same names.
 *
 * @param start a model to begin with, or
 * @param model the shape of a new one
 */
record RunConfig(
        @Nullable Path start,
        @Nullable NewModel model,
        @Nullable Data data,
        List<StageConfig> stages,
        @Nullable Integer expertSize,
        @Nullable Double threshold,
        @Nullable Double guard,
        @Nullable GroupingMethod grouping,
        @Nullable Integer maxTokens,
        @Nullable Integer tokensPerPass,
        @Nullable Precision precision,
        @Nullable Long seed,
        @Nullable String backend,
        @Nullable Integer threads,
        @Nullable Integer reportEvery,
        @Nullable Integer checkpointEvery,
        @Nullable Integer keepCheckpoints,
        @Nullable Integer evaluateEvery,
        @Nullable Boolean chooseBest,
        @Nullable WeightType modelType,
        @Nullable Boolean hubDirectory) {
    RunConfig {
        stages = stages == null ? List.of() : List.copyOf(stages);
    }

    record NewModel(
            String family,
            int model,
            int ffn,
            int layers,
            int heads,
            @Nullable Integer keyValueHeads,
            int vocabulary,
            int contextLength,
            @Nullable List<String> labels) {
        StartingPoint.NewModel startingPoint() {
            if (family == null) {
                throw new InvalidRequestException("model.family", "llama, gpt2 or roberta", "none");
            }
            int ownKeys = keyValueHeads == null ? heads : keyValueHeads;
            List<String> classes = labels == null ? List.of() : labels;
            return new StartingPoint.NewModel(
                    family, model, ffn, layers, heads, ownKeys, vocabulary, contextLength, classes);
        }
    }

    record Data(
            TrainingData.@Nullable Format format,
            @Nullable Path train,
            @Nullable Path development,
            @Nullable String separator,
            @Nullable String prompt,
            @Nullable String completion,
            @Nullable Integer shuffleBuffer) {
        TrainingData trainingData() {
            if (format == null || train == null) {
                throw new InvalidRequestException("data", "a format and a file to train on", this);
            }
            TrainingData usual = TrainingData.of(format, train);
            return new TrainingData(
                    format,
                    train,
                    development,
                    separator,
                    prompt == null ? usual.prompt() : prompt,
                    completion == null ? usual.completion() : completion,
                    shuffleBuffer == null ? usual.shuffleBuffer() : shuffleBuffer);
        }
    }

    /** @param routing dense, learned or hard */
    record StageConfig(
            Stage.@Nullable Routing routing,
            @Nullable Recipe recipe,
            @Nullable Long steps,
            @Nullable Double epochs,
            @Nullable Integer batch,
            @Nullable Double rate,
            @Nullable Double routerRate,
            @Nullable Double warmup,
            @Nullable Decay decay,
            @Nullable Double weightDecay,
            @Nullable Double routerWeightDecay,
            @Nullable Double clip,
            @Nullable Double eta,
            @Nullable Double targetSparsity,
            @Nullable Double lambda,
            @Nullable Double lambdaRamp,
            @Nullable List<Double> thresholdRange,
            @Nullable Double distillation) {
        Stage stage() {
            if (routing == null) {
                throw new InvalidRequestException("stages.routing", "dense, learned or hard", "none");
            }
            if (recipe != null && routing != Stage.Routing.LEARNED) {
                throw new InvalidRequestException("stages.recipe", "a stage in which routers learn", routing);
            }
            return switch (routing) {
                case DENSE -> Stage.dense(this::apply);
                case HARD -> Stage.hard(this::apply);
                case LEARNED -> Stage.learned(recipe == null ? Recipe.DEFAULT : recipe, this::apply);
            };
        }

        private void apply(Stage.Builder stage) {
            given(steps, stage::steps);
            given(epochs, stage::epochs);
            given(batch, stage::batch);
            given(rate, stage::rate);
            given(routerRate, stage::routerRate);
            given(warmup, stage::warmup);
            given(decay, stage::decay);
            given(weightDecay, stage::weightDecay);
            given(routerWeightDecay, stage::routerWeightDecay);
            given(clip, stage::clip);
            given(eta, stage::eta);
            given(targetSparsity, stage::targetSparsity);
            given(lambda, stage::lambda);
            given(lambdaRamp, stage::lambdaRamp);
            given(distillation, stage::distillation);
            if (thresholdRange != null) {
                if (thresholdRange.size() != 2) {
                    throw new InvalidRequestException(
                            "thresholdRange", "two thresholds, such as [0.3, 0.7]", thresholdRange);
                }
                stage.thresholdRange(thresholdRange.get(0), thresholdRange.get(1));
            }
        }
    }

    private static <T> void given(@Nullable T value, Consumer<T> option) {
        if (value != null) {
            option.accept(value);
        }
    }

    /** @param folder where the run writes */
    TrainingPlan plan(Path folder) {
        if ((start == null) == (model == null)) {
            throw new InvalidRequestException(
                    "start", "a model to start with or the shape of a new one (model), one of them", "both or none");
        }
        if (data == null) {
            throw new InvalidRequestException("data", "files to learn from", "none");
        }
        return TrainingPlan.of(plan -> {
            plan.start(start != null ? new StartingPoint.ExistingModel(start) : model.startingPoint());
            plan.data(data.trainingData());
            plan.folder(folder);
            stages.forEach(stage -> plan.stage(stage.stage()));
            given(expertSize, plan::expertSize);
            given(threshold, plan::threshold);
            given(guard, plan::guard);
            given(grouping, plan::grouping);
            given(maxTokens, plan::maxTokens);
            given(tokensPerPass, plan::tokensPerPass);
            given(precision, plan::precision);
            given(seed, plan::seed);
            given(backend, plan::backend);
            given(threads, plan::threads);
            given(reportEvery, plan::reportEvery);
            given(checkpointEvery, plan::checkpointEvery);
            given(keepCheckpoints, plan::keepCheckpoints);
            given(evaluateEvery, plan::evaluateEvery);
            given(chooseBest, plan::chooseBest);
            given(modelType, plan::modelType);
            given(hubDirectory, plan::hubDirectory);
        });
    }
}
