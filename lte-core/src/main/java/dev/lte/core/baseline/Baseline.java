package dev.lte.core.baseline;

import dev.lte.PostHocRouting;
import dev.lte.Progress;
import dev.lte.SparsityReport;
import dev.lte.backend.Backend;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.calibrate.ExpertScores;
import dev.lte.core.calibrate.LowRank;
import dev.lte.core.calibrate.MagnitudeHistogram;
import dev.lte.core.calibrate.RouterRegression;
import dev.lte.core.calibrate.RouterSample;
import dev.lte.core.eval.FfnMeasure;
import dev.lte.core.layer.Transformer;
import dev.lte.core.sparse.Grouping;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** A model under {@link PostHocRouting}: calibrated, and ready to be evaluated. One evaluation at a time. */
public final class Baseline implements FfnMeasure, AutoCloseable {
    /** Tokens that calibration looks at. */
    private static final int TOKENS = 16_384;
    /** Tokens that predictors are fitted to. */
    private static final int SAMPLE = 6_144;

    private static final double RIDGE = 0.01;
    private static final long SEED = 1;

    private final PostHocRouting routing;
    private final Observation observation;
    private final ModelConfig config;
    private final int context;
    private final Consumer<Progress> progress;
    private final FfnMask mask;
    /** Multiplications of the predictor, for one token of one layer. */
    private double predictorWork;

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
        this.context = context;
        this.progress = progress;
        config = source.config();
        observation = new Observation(source, backend, transformer, context);
        mask = new FfnMask(
                switch (routing.method()) {
                    case LARGEST_ACTIVATIONS -> largestActivations();
                    case LARGEST_EXPERTS -> largestExperts();
                    case MOEFICATION -> moefication();
                    case DEJA_VU -> dejaVu();
                    case MAGNITUDE -> magnitude();
                    case NOISY_TOP_K -> noisyTopK();
                },
                config.ffn());
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

    /** Oracles decide at no cost, which is why they cannot be served. */
    @Override
    public double work(double sparsity) {
        double matrix = (double) config.model() * config.ffn();
        int matrices = config.gated() ? 3 : 2;
        boolean gateInFull = routing.method() == PostHocRouting.Method.MAGNITUDE;
        double ffn = gateInFull ? matrix * (1 + (matrices - 1) * (1 - sparsity)) : matrix * matrices * (1 - sparsity);
        return ffn + predictorWork;
    }

    private int layers() {
        return config.layers().size();
    }

    /** Neurons or experts that stay, at least one. */
    private int kept(int units) {
        return Math.max(1, (int) Math.round(units * (1 - routing.sparsity())));
    }

    private List<FfnMask.Rule> largestActivations() {
        int width = config.ffn();
        UnitScores magnitudes = (activations, row) -> magnitudes(activations.hidden(), row, width);
        FfnMask.Rule rule = new FfnMask.Rule(magnitudes, Selection.greatest(kept(width)), null);
        return IntStream.range(0, layers()).mapToObj(layer -> rule).toList();
    }

    private static float[] magnitudes(float[] values, int row, int width) {
        float[] magnitudes = new float[width];
        for (int f = 0; f < width; f++) {
            magnitudes[f] = Math.abs(values[row * width + f]);
        }
        return magnitudes;
    }

    private List<FfnMask.Rule> largestExperts() {
        List<FfnMask.Rule> rules = new ArrayList<>();
        for (int layer = 0; layer < layers(); layer++) {
            Grouping grouping = group(layer);
            ExpertScores scores = new ExpertScores(grouping, null);
            rules.add(new FfnMask.Rule(
                    (activations, row) -> scores.of(activations.hiddenOf(row)),
                    Selection.greatest(kept(grouping.experts())),
                    grouping));
        }
        return rules;
    }

    private Grouping group(int layer) {
        progress.accept(new Progress("grouping neurons", layer, layers()));
        return LayerWeights.group(observation.source(), layer, routing.expertSize(), SEED);
    }

    private List<FfnMask.Rule> moefication() {
        List<Grouping> groupings =
                IntStream.range(0, layers()).mapToObj(this::group).toList();
        List<ExpertScores> scores = groupings.stream()
                .map(grouping -> new ExpertScores(grouping, null))
                .toList();
        int experts = groupings.getFirst().experts();
        predictorWork = (double) config.model() * experts;
        List<RouterSample> samples = sample(
                experts, (activations, row) -> scores.get(activations.layer()).of(activations.hiddenOf(row)));
        List<FfnMask.Rule> rules = new ArrayList<>();
        for (int layer = 0; layer < layers(); layer++) {
            RouterSample sample = samples.get(layer);
            float[] router = RouterRegression.fit(sample, threshold(sample), RIDGE);
            rules.add(new FfnMask.Rule(
                    new LinearScores(router, config.model()), Selection.greatest(kept(experts)), groupings.get(layer)));
        }
        return rules;
    }

    private List<FfnMask.Rule> noisyTopK() {
        List<Grouping> groupings =
                IntStream.range(0, layers()).mapToObj(this::group).toList();
        List<ExpertNorms> norms = new ArrayList<>();
        for (int layer = 0; layer < layers(); layer++) {
            norms.add(new ExpertNorms(
                    groupings.get(layer), LayerWeights.down(observation.source(), layer), config.model()));
        }
        int experts = groupings.getFirst().experts();
        int k = kept(experts);
        predictorWork = (double) config.model() * experts;
        List<RouterSample> samples = sample(
                experts, (activations, row) -> norms.get(activations.layer()).of(activations.hidden(), row));
        List<FfnMask.Rule> rules = new ArrayList<>();
        for (int layer = 0; layer < layers(); layer++) {
            progress.accept(new Progress("learning routers", layer, layers()));
            float[] router = NoisyTopK.learn(samples.get(layer), k, SEED + layer);
            rules.add(new FfnMask.Rule(
                    new LinearScores(router, config.model()),
                    Selection.greatest(k),
                    groupings.get(layer),
                    logits -> NoisyTopK.scales(logits, k)));
        }
        return rules;
    }

    private float threshold(RouterSample sample) {
        return Math.max(Float.MIN_NORMAL, sample.threshold(routing.sparsity()));
    }

    private List<FfnMask.Rule> dejaVu() {
        int width = config.ffn();
        int rank = Math.max(8, config.model() / 8);
        predictorWork = (double) rank * (config.model() + width);
        List<RouterSample> samples = sample(width, (activations, row) -> magnitudes(activations.hidden(), row, width));
        List<FfnMask.Rule> rules = new ArrayList<>();
        for (int layer = 0; layer < layers(); layer++) {
            progress.accept(new Progress("fitting predictors", layer, layers()));
            RouterSample sample = samples.get(layer);
            float[] full = RouterRegression.fit(sample, threshold(sample), RIDGE);
            float[] predictor = LowRank.of(full, sample, rank, SEED);
            rules.add(new FfnMask.Rule(
                    new LinearScores(predictor, config.model()), Selection.greatest(kept(width)), null));
        }
        return rules;
    }

    private List<FfnMask.Rule> magnitude() {
        int width = config.ffn();
        UnitScores magnitudes = (activations, row) -> {
            float[] gate = activations.gate();
            return magnitudes(gate == null ? activations.hidden() : gate, row, width);
        };
        List<MagnitudeHistogram> histograms = IntStream.range(0, layers())
                .mapToObj(layer -> new MagnitudeHistogram())
                .toList();
        calibrate(activations -> {
            MagnitudeHistogram histogram = histograms.get(activations.layer());
            for (int row = 0; row < activations.rows(); row++) {
                histogram.add(magnitudes.of(activations, row));
            }
        });
        return histograms.stream()
                .map(histogram ->
                        new FfnMask.Rule(magnitudes, Selection.above(histogram.threshold(routing.sparsity())), null))
                .toList();
    }

    private List<RouterSample> sample(int units, UnitScores scores) {
        List<RouterSample> samples = IntStream.range(0, layers())
                .mapToObj(layer -> new RouterSample(config.model(), units, SAMPLE, SEED + layer))
                .toList();
        calibrate(activations -> {
            RouterSample sample = samples.get(activations.layer());
            for (int row = 0; row < activations.rows(); row++) {
                sample.add(activations.inputOf(row), scores.of(activations, row));
            }
        });
        return samples;
    }

    private void calibrate(FfnVisitor visitor) {
        CalibrationData data =
                CalibrationData.read(routing.calibration(), observation.source().tokenizer(), context, TOKENS, SEED);
        long tokens = data.training().stream().mapToLong(s -> s.ids().length).sum();
        observation.run(data.training(), visitor, done -> progress.accept(new Progress("calibrating", done, tokens)));
    }

    @Override
    public void close() {
        observation.close();
    }
}
