package dev.lte.core.baseline;

import dev.lte.PostHocRouting;
import dev.lte.Progress;
import dev.lte.SparsityReport;
import dev.lte.backend.Backend;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.eval.FfnMeasure;
import dev.lte.core.layer.Transformer;
import java.util.function.Consumer;

/** A model under {@link PostHocRouting}: calibrated, and ready to be evaluated. One evaluation at a time. */
public final class Baseline implements FfnMeasure, AutoCloseable {
    /** Tokens that calibration looks at. */
    private static final int TOKENS = 16_384;

    private static final long SEED = 1;

    private final PostHocRouting routing;
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
        this.routing = routing;
        config = source.config();
        observation = new Observation(source, backend, transformer, context);
        MethodCalibration method = new MethodCalibration(
                routing,
                observation,
                () -> CalibrationData.read(routing.calibration(), source.tokenizer(), context, TOKENS, SEED)
                        .training(),
                progress);
        mask = new FfnMask(method.rules(), config.ffn());
        predictorWork = method.predictorWork();
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
        boolean gateInFull = routing.method() == PostHocRouting.Method.MAGNITUDE;
        double ffn = gateInFull ? matrix * (1 + (matrices - 1) * (1 - sparsity)) : matrix * matrices * (1 - sparsity);
        return ffn + predictorWork;
    }

    @Override
    public void close() {
        observation.close();
    }
}
