package dev.lte.core.baseline;

import dev.lte.Progress;
import dev.lte.backend.Backend;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.eval.ScoredSequence;
import dev.lte.core.layer.Transformer;
import dev.lte.core.sparse.CoActivations;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Which neurons of a model are active together on calibration text. */
public final class CoActivationSample {
    private CoActivationSample() {}

    /**
     * @param transformer of the source, dense
     * @param context positions that it was loaded for
     * @param calibration text or E2E CSV, or null for the text that is built in
     * @return one a layer
     */
    public static List<CoActivations> of(
            ModelSource source,
            Backend backend,
            Transformer transformer,
            int context,
            @Nullable Path calibration,
            long seed,
            Consumer<Progress> progress) {
        ModelConfig config = source.config();
        List<CoActivations> samples = IntStream.range(0, config.layers().size())
                .mapToObj(layer -> new CoActivations(config.ffn(), CoActivations.TOKENS))
                .toList();
        List<ScoredSequence> text = CalibrationData.read(
                        calibration, source.tokenizer(), context, 2 * CoActivations.TOKENS, seed)
                .training();
        FfnVisitor counting = activations -> {
            CoActivations sample = samples.get(activations.layer());
            for (int row = 0; row < activations.rows() && !sample.isFull(); row++) {
                sample.add(activations.hiddenOf(row), config.activation());
            }
        };
        try (Observation observation = new Observation(source, backend, transformer, context)) {
            observation.run(
                    text,
                    counting,
                    done -> progress.accept(new Progress("calibrating", done, 2L * CoActivations.TOKENS)));
        }
        return samples;
    }
}
