package dev.lte.core.trainer;

import dev.lte.GroupingOptions;
import dev.lte.GroupingReport;
import dev.lte.Progress;
import dev.lte.UnsupportedModelException;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.convert.ModelConverter;
import dev.lte.core.sparse.CoActivations;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.train.ModelGrouping;
import dev.lte.core.train.RegroupedSource;
import dev.lte.core.train.WeightValues;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Writes dense models with their neurons in the order of experts. */
public final class GroupedModels {
    private GroupedModels() {}

    /**
     * As {@link dev.lte.Lte#group}.
     *
     * @param sample asked if the method needs activations, one a layer
     */
    public static GroupingReport write(
            ModelSource source,
            Path target,
            GroupingOptions how,
            Supplier<List<CoActivations>> sample,
            Consumer<Progress> progress) {
        if (source.config().routing() != null) {
            throw new UnsupportedModelException(
                    source.path() + " has routers, which score its experts as they are", "group the dense model");
        }
        int experts = Grouping.experts(source.config().ffn(), how.expertSize());
        long begin = System.nanoTime();
        ModelGrouping grouping = ModelGrouping.of(
                WeightValues.of(source),
                source.config(),
                how.expertSize(),
                how.method(),
                sample,
                how.seed(),
                Runtime.getRuntime().availableProcessors());
        Duration time = Duration.ofNanos(System.nanoTime() - begin);
        Map<String, Object> provenance = Map.of(
                "grouping.method", how.method().toString(),
                "grouping.expert_size", (double) how.expertSize(),
                "grouping.seed", Long.toString(how.seed()));
        RegroupedSource grouped = new RegroupedSource(source, grouping.groupings(), List.of(), 0, provenance);
        ModelConverter.convert(grouped, target, how.type(), progress);
        return new GroupingReport(experts, grouping.objectives(), time);
    }
}
