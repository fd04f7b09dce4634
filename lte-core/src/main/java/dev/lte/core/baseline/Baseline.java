package dev.lte.core.baseline;

import dev.lte.PostHocRouting;
import dev.lte.Progress;
import dev.lte.SparsityReport;
import dev.lte.backend.Backend;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.eval.FfnMeasure;
import dev.lte.core.layer.Transformer;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.train.Matrix;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A model under {@link PostHocRouting}: calibrated, and ready to be evaluated. One evaluation at a time. */
public final class Baseline implements FfnMeasure, AutoCloseable {
    /** Tokens that calibration looks at. */
    private static final int TOKENS = 16_384;

    private static final long SEED = 1;

    private final boolean gateInFull;
    private final Observation observation;
    private final ModelConfig config;
    private final FfnMask mask;
    private final double predictorWork;

    /**
     * @param transformer of the source, dense
     * @throws dev.lte.InvalidRequestException if the expert size does not divide F, or calibration text is missing
     */
    public Baseline(
            PostHocRouting routing,
            ModelSource source,
            Backend backend,
            Transformer transformer,
            int context,
            Consumer<Progress> progress) {
        gateInFull = routing.method() == PostHocRouting.Method.MAGNITUDE;
        config = source.config();
        observation = new Observation(source, backend, transformer, context);
        MethodCalibration method = new MethodCalibration(
                routing,
                observation,
                () -> calibration(routing.calibration(), source, context).training(),
                progress);
        mask = new FfnMask(method.rules(), config.ffn());
        predictorWork = method.predictorWork();
        observation.visit(mask);
    }

    private static CalibrationData calibration(@Nullable Path file, ModelSource source, int context) {
        return source.config().classes() > 0
                ? CalibrationData.labelled(file, source.tokenizer(), context, TOKENS, SEED)
                : CalibrationData.read(file, source.tokenizer(), context, TOKENS, SEED);
    }

    /**
     * A model that was trained with noisy top-k routers, which kernels for serving do not have.
     *
     * @param transformer of the source, dense
     */
    public Baseline(
            ModelSource source, Backend backend, Transformer transformer, int context, ModelConfig.Routing routing) {
        gateInFull = false;
        config = source.config();
        observation = new Observation(source, backend, transformer, context);
        Grouping grouping = Grouping.consecutive(config.ffn(), routing.expertSize());
        mask = new FfnMask(
                IntStream.range(0, config.layers().size())
                        .mapToObj(layer -> Matrix.of(source.get(WeightRole.ROUTER, layer)))
                        .map(router -> new FfnMask.Rule(
                                new LinearScores(router.values(), router.columns()),
                                Selection.greatest(routing.topK()),
                                grouping,
                                logits -> NoisyTopK.scales(logits, routing.topK())))
                        .toList(),
                config.ffn());
        predictorWork = (double) config.model() * grouping.experts();
        observation.visit(mask);
    }

    /** The model with its FFNs under the routing. */
    public Transformer transformer() {
        return observation.transformer();
    }

    @Override
    public SparsityReport sparsity() {
        return mask.sparsity();
    }

    @Override
    public double work(double sparsity) {
        double matrix = (double) config.model() * config.ffn();
        int matrices = config.gated() ? 3 : 2;
        double ffn = gateInFull ? matrix * (1 + (matrices - 1) * (1 - sparsity)) : matrix * matrices * (1 - sparsity);
        return ffn + predictorWork;
    }

    @Override
    public void close() {
        observation.close();
    }
}
