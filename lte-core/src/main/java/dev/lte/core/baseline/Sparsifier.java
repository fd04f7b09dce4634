package dev.lte.core.baseline;

import dev.lte.ConversionReport;
import dev.lte.InvalidRequestException;
import dev.lte.PostHocRouting;
import dev.lte.Progress;
import dev.lte.SparsifyOptions;
import dev.lte.SparsifyReport;
import dev.lte.WeightType;
import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.calibrate.RouterRegression;
import dev.lte.core.calibrate.RouterSample;
import dev.lte.core.calibrate.SparsityAllocation;
import dev.lte.core.convert.ModelConverter;
import dev.lte.core.eval.Likelihood;
import dev.lte.core.eval.ScoredSequence;
import dev.lte.core.layer.Transformer;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.train.Matrix;
import dev.lte.core.train.RegroupedSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Makes a dense model one with routers, without training. On calibration text, neurons are grouped by {@link
 * ActivationGrouping}, what each expert adds to its FFN's output is measured, and a linear router fitted that predicts it from the FFN's input. The sparsity is
 * divided among layers so that it costs least, and routers are fitted again on what the sparse
 * model itself makes of the text. Or a {@link PostHocRouting} method decides what experts and routers are, by {@link Imitation}.
 * The result runs on the same kernels as a model that was trained with LTE.
 */
public final class Sparsifier implements AutoCloseable {
    private static final int SAMPLE = 8_192;
    /** Floats of the samples of all layers, 2 GiB. */
    private static final long MOST_VALUES = 1L << 29;

    /** A logit of 0. */
    private static final float THRESHOLD = 0.5f;

    private static final double RIDGE = 0.01;
    /** Tokens on which the loss of single layers is measured. */
    private static final int MEASURED = 2_048;
    /** Nats a token below which the loss of a layer is noise. */
    private static final double LEAST_LOSS = 1e-4;

    private static final double FAR = 1e6;
    /** Times that routers are fitted to the activations of the sparse model. */
    private static final int REFINEMENTS = 2;

    private static final int CUSTOMARY_EXPERT = 32;
    /** Experts that a layer should have at least, lest routing has no choice. */
    private static final int FEWEST_EXPERTS = 12;

    private static final double[] LEVELS =
            IntStream.rangeClosed(0, 49).mapToDouble(i -> i / 50.0).toArray();

    private final ModelSource source;
    private final ModelConfig config;
    private final SparsifyOptions options;
    private final Consumer<Progress> progress;
    private final int expertSize;
    private final CalibrationData data;
    private final Observation observation;
    private final List<Grouping> groupings = new ArrayList<>();
    /** What of an expert routers are to predict, one a layer. */
    private final List<UnitScores> scores = new ArrayList<>();

    private int passes;

    /**
     * @param transformer of the source, dense
     * @param context positions that it was loaded for
     * @throws InvalidRequestException if the model has routers, the expert size does not divide F, or there is too little text
     */
    public Sparsifier(
            ModelSource source,
            Backend backend,
            Transformer transformer,
            int context,
            SparsifyOptions options,
            Consumer<Progress> progress) {
        this.source = source;
        this.options = options;
        this.progress = progress;
        config = source.config();
        if (config.routing() != null) {
            throw new InvalidRequestException("model", "a dense model", "one that has routers");
        }
        if (options.method() != null) {
            Imitation.requireServable(options.method());
        }
        expertSize = options.expertSize() > 0 ? options.expertSize() : customary(config.ffn());
        Grouping.experts(config.ffn(), expertSize);
        data = CalibrationData.read(
                options.calibration(), source.tokenizer(), context, options.calibrationTokens(), options.seed());
        observation = new Observation(source, backend, transformer, context);
    }

    /** The divisor of F nearest to 32, or to what leaves a small FFN enough experts. */
    private static int customary(int ffn) {
        int best = 1;
        int wanted = Math.min(CUSTOMARY_EXPERT, ffn / FEWEST_EXPERTS);
        for (int size = 1; size <= ffn; size++) {
            if (ffn % size == 0 && Math.abs(size - wanted) < Math.abs(best - wanted)) {
                best = size;
            }
        }
        return best;
    }

    /** Calibrates, writes the sparse model, and says what it lost. */
    public SparsifyReport write(Path target) {
        Imitation imitation = imitation();
        List<float[]> routers = imitation == null ? own() : imitate(imitation);
        List<FfnMask.Rule> rules = rules(routers);
        FfnMask mask = new FfnMask(rules, config.ffn());
        Likelihood dense = observation.run(data.heldOut(), activations -> {}, done -> {});
        Likelihood sparse = observation.run(data.heldOut(), mask, done -> {});
        SparsifyReport.Imitated imitated = imitation == null ? null : imitation.compare(data.heldOut(), rules);
        List<Matrix> matrices = routers.stream()
                .map(router -> new Matrix(router.length / config.model(), config.model(), router))
                .toList();
        RegroupedSource regrouped = new RegroupedSource(source, groupings, matrices, THRESHOLD, provenance());
        ConversionReport written = ModelConverter.convert(regrouped, target, type(source, options.type()), progress);
        return new SparsifyReport(
                expertSize, mask.sparsity(), dense.perplexity(), sparse.perplexity(), imitated, written);
    }

    private @Nullable Imitation imitation() {
        PostHocRouting.Method method = options.method();
        if (method == null) {
            return null;
        }
        PostHocRouting routing = new PostHocRouting(method, options.sparsity(), expertSize, options.calibration());
        return new Imitation(routing, observation, data.training(), progress);
    }

    private List<float[]> own() {
        group();
        List<RouterSample> samples = sample(null);
        double[] sparsities = allocate(samples);
        List<float[]> routers = fit(samples, sparsities);
        for (int i = 0; i < REFINEMENTS; i++) {
            routers = fit(sample(routers), sparsities);
        }
        return shift(sample(routers), routers, sparsities);
    }

    /** As methods do, every layer has the same sparsity; on the activations of the sparse model. */
    private List<float[]> imitate(Imitation imitation) {
        groupings.addAll(imitation.groupings());
        scores.addAll(imitation.scores());
        double[] uniform = uniform();
        List<RouterSample> samples = sample(null);
        List<float[]> routers = shift(samples, imitation.routers(samples), uniform);
        for (int i = 0; i < REFINEMENTS; i++) {
            routers = shift(sample(routers), routers, uniform);
        }
        return routers;
    }

    private double[] uniform() {
        double[] uniform = new double[layers()];
        Arrays.fill(uniform, options.sparsity());
        return uniform;
    }

    private void group() {
        ActivationGrouping neurons = new ActivationGrouping(source, trainingTokens());
        observation.run(data.training(), neurons, calibrating());
        groupings.addAll(neurons.groups(
                expertSize, options.seed(), done -> progress.accept(new Progress("grouping neurons", done, layers()))));
        for (int layer = 0; layer < layers(); layer++) {
            ExpertNorms norms = ExpertNorms.of(source, layer, groupings.get(layer));
            scores.add((activations, row) -> norms.of(activations.hidden(), row));
        }
    }

    private long trainingTokens() {
        return data.training().stream().mapToLong(s -> s.ids().length).sum();
    }

    /** Progress over all passes. */
    private LongConsumer calibrating() {
        long total = trainingTokens();
        long before = total * passes++;
        return done -> progress.accept(new Progress("calibrating", before + done, total * (REFINEMENTS + 3)));
    }

    private int layers() {
        return config.layers().size();
    }

    private Map<String, Object> provenance() {
        Map<String, Object> provenance = new LinkedHashMap<>(source.provenance());
        PostHocRouting.Method method = options.method();
        provenance.put("method", method == null ? "training-free" : method.toString());
        provenance.put("target_sparsity", options.sparsity());
        return provenance;
    }

    private FfnMask mask(List<float[]> routers) {
        return new FfnMask(rules(routers), config.ffn());
    }

    private List<FfnMask.Rule> rules(List<float[]> routers) {
        List<FfnMask.Rule> rules = new ArrayList<>();
        for (int layer = 0; layer < layers(); layer++) {
            rules.add(new FfnMask.Rule(
                    new LinearScores(routers.get(layer), config.model()), Selection.above(0), groupings.get(layer)));
        }
        return rules;
    }

    /**
     * Inputs and what experts would add, of all layers.
     *
     * @param routers that choose experts meanwhile; null for all
     */
    private List<RouterSample> sample(@Nullable List<float[]> routers) {
        int experts = groupings.getFirst().experts();
        long width = (long) layers() * (config.model() + experts);
        int capacity = Math.clamp(MOST_VALUES / width, 1, SAMPLE);
        List<RouterSample> samples = IntStream.range(0, layers())
                .mapToObj(layer -> new RouterSample(config.model(), experts, capacity, options.seed() + layer))
                .toList();
        FfnMask mask = routers == null ? null : mask(routers);
        observation.run(
                data.training(),
                activations -> {
                    float[][] values = new float[activations.rows()][];
                    UnitScores of = scores.get(activations.layer());
                    activations.forEachRow(row -> values[row] = of.of(activations, row));
                    RouterSample sample = samples.get(activations.layer());
                    for (int row = 0; row < activations.rows(); row++) {
                        sample.add(activations.inputOf(row), values[row]);
                    }
                    if (mask != null) {
                        mask.visit(activations);
                    }
                },
                calibrating());
        return samples;
    }

    /**
     * The sparsity of each layer. How fast a layer loses comes from its own output; how much that matters, from what the model's
     * likelihood loses if that layer alone is sparse.
     */
    private double[] allocate(List<RouterSample> samples) {
        List<float[]> routers = fit(samples, uniform());
        FfnMask mask = mask(routers);
        List<ScoredSequence> few = few();
        double before = observation.run(few, activations -> {}, done -> {}).natsPerToken();
        double[] levels = LEVELS.clone();
        double[][] errors = new double[layers()][];
        double[] work = new double[layers()];
        Arrays.fill(work, 1);
        int wanted = (int) Math.round(options.sparsity() * LEVELS.length);
        for (int layer = 0; layer < layers(); layer++) {
            progress.accept(new Progress("measuring layers", layer, layers()));
            int only = layer;
            FfnVisitor one = activations -> {
                if (activations.layer() == only) {
                    mask.visit(activations);
                }
            };
            double lost = observation.run(few, one, done -> {}).natsPerToken() - before;
            double[] energy = RouterErrors.of(samples.get(layer), routers.get(layer), levels);
            double scale = Math.max(lost, LEAST_LOSS) / Math.max(energy[wanted], Double.MIN_NORMAL);
            errors[layer] = new double[levels.length];
            for (int level = 0; level < levels.length; level++) {
                // Beyond half of what is left, losses of layers no longer add up: there only if all layers are.
                double excess = Math.max(0, levels[level] - (1 + options.sparsity()) / 2);
                errors[layer][level] = scale * energy[level] + excess * FAR;
            }
        }
        int[] chosen = SparsityAllocation.greedy(errors, levels, work, options.sparsity());
        // Half way to what was chosen: a layer loses more than its own curve says where others are sparse too.
        return IntStream.of(chosen)
                .mapToDouble(level -> (levels[level] + options.sparsity()) / 2)
                .toArray();
    }

    private List<ScoredSequence> few() {
        int end = 0;
        long tokens = 0;
        while (end < data.training().size() && tokens < MEASURED) {
            tokens += data.training().get(end++).ids().length;
        }
        return data.training().subList(0, end);
    }

    private List<float[]> fit(List<RouterSample> samples, double[] sparsities) {
        return IntStream.range(0, layers())
                .parallel()
                .mapToObj(layer -> RouterRegression.fitTo(samples.get(layer), sparsities[layer], RIDGE))
                .toList();
    }

    private List<float[]> shift(List<RouterSample> samples, List<float[]> routers, double[] sparsities) {
        return IntStream.range(0, layers())
                .parallel()
                .mapToObj(layer ->
                        RouterRegression.shifted(samples.get(layer), routers.get(layer), sparsities[layer], RIDGE))
                .toList();
    }

    private static WeightType type(ModelSource source, @Nullable WeightType asked) {
        if (asked != null) {
            return asked;
        }
        DType own = source.get(WeightRole.UP, 0).dtype();
        return switch (own) {
            case F32 -> WeightType.F32;
            case F16 -> WeightType.F16;
            case BF16 -> WeightType.BF16;
            case Q4_0 -> WeightType.Q4_0;
            case Q4_K -> WeightType.Q4_K;
            case Q6_K -> WeightType.Q6_K;
            default -> WeightType.Q8_0;
        };
    }

    @Override
    public void close() {
        observation.close();
    }
}
