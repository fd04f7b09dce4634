package dev.lte.core.trainer;

import dev.lte.GroupingReport;
import dev.lte.Progress;
import dev.lte.UnsupportedModelException;
import dev.lte.WeightType;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.convert.ModelConverter;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.train.WeightValues;
import dev.lte.train.GroupingMethod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Writes dense models with their neurons in the order of experts. */
public final class GroupedModels {
    private GroupedModels() {}

    /** As {@link dev.lte.ModelFiles#group}. */
    public static GroupingReport write(
            ModelSource source,
            Path target,
            int expertSize,
            GroupingMethod method,
            long seed,
            WeightType type,
            Consumer<Progress> progress) {
        ModelConfig config = source.config();
        if (config.routing() != null) {
            throw new UnsupportedModelException(
                    source.path() + " has routers, which score its experts as they are", "group the dense model");
        }
        int experts = Grouping.experts(config.ffn(), expertSize);
        HostWeights weights =
                HostWeights.of(WeightValues.of(source), config.layers().size());
        long begin = System.nanoTime();
        int threads = Runtime.getRuntime().availableProcessors();
        List<Double> objectives = RoutedWeights.group(weights, config, expertSize, method, seed, threads);
        Duration time = Duration.ofNanos(System.nanoTime() - begin);
        Map<String, Object> provenance = Map.of(
                "grouping.method", method.toString(),
                "grouping.expert_size", (double) expertSize,
                "grouping.seed", Long.toString(seed));
        TrainedSource grouped = new TrainedSource(
                source.path(), source.name(), config, source.tokenizer(), source.chatTemplate(), provenance, weights);
        ModelConverter.convert(grouped, target, type, progress);
        return new GroupingReport(experts, objectives, time);
    }
}
