package dev.lte.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.UnsupportedModelException;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.core.arch.WeightRole;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The layers of every kind of family, put together: gradients of the whole model, batches, types, refusals. */
class TrainingModelTest {
    private static final RoutingLossSpec ROUTING = new RoutingLossSpec(RoutingLossSpec.Efficiency.SQUARED, 0.5f, 0.05f);
    private static final float ETA = 0.3f;
    private static final float LAMBDA = 0.02f;
    private static final double STEP = 0.002;

    private final Backend backend = ServiceLoader.load(BackendProvider.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(provider -> provider.name().equals("reference"))
            .findFirst()
            .orElseThrow()
            .open(BackendOptions.defaults());
    private final KernelQueue queue = backend.openQueue();

    @AfterEach
    void close() {
        queue.close();
        backend.close();
    }

    private TrainingModel model(TinyFamily family, DType type) {
        return new TrainingModel(
                family.config(), family.weights(3), backend, queue, new TrainingOptions(type, 20, 4, 8, 5));
    }

    /**
     * The slope of the loss along the gradient of each weight, and along a random direction, from five points. Losses are read in
     * F32, so a slope errs by about {@code 5e-7 / step}, 3e-4; a gradient that misses a path through the model errs by a good part
     * of its norm.
     */
    @ParameterizedTest
    @EnumSource
    void gradientsAreTheSlopesOfTheLoss(TinyFamily family) {
        TrainingBatch batch = family.batch(5, 0.08f, 6, 1, 8);
        for (Gating gating : List.of(Gating.SOFT, Gating.NONE, Gating.hard(clearThreshold(family, batch)))) {
            try (TrainingModel model = model(family, DType.F32)) {
                boolean soft = gating.mode() == Gating.Mode.SOFT;
                model.clear();
                model.train(batch, gating, ROUTING, soft ? ETA : 0, soft ? LAMBDA : 0);
                int checked = 0;
                for (WeightRole role : WeightRole.values()) {
                    for (int layer = 0; layer < (role.perLayer() ? 2 : 1); layer++) {
                        Matrix gradient = model.parameters().gradient(role, layer);
                        if (gradient != null && (role != WeightRole.ROUTER || soft)) {
                            String what = family + ", " + gating + ", " + role + " of layer " + layer;
                            Slope slope = new Slope(model, batch, gating, role, layer);
                            slope.check(what, gradient.values(), gradient);
                            slope.check(what, random(gradient), gradient);
                            checked++;
                        }
                    }
                }
                assertThat(checked).isGreaterThan(15);
            }
        }
    }

    /** A threshold that no score is near, so that few experts go on or off while weights move. */
    private float clearThreshold(TinyFamily family, TrainingBatch batch) {
        float best = 0;
        double widest = 0;
        try (TrainingModel model = model(family, DType.F32)) {
            for (int i = 100; i < 400; i++) {
                float threshold = i / 500f;
                model.evaluate(batch, Gating.hard(threshold), ROUTING);
                double margin = 1;
                for (int layer = 0; layer < 2; layer++) {
                    for (float score : model.scores(layer)) {
                        margin = Math.min(margin, Math.abs(score - threshold));
                    }
                }
                if (margin > widest) {
                    widest = margin;
                    best = threshold;
                }
            }
        }
        assertThat(widest).as("margin of the scores of %s", family).isGreaterThan(0.003);
        return best;
    }

    private static float[] random(Matrix shape) {
        SplittableRandom random = new SplittableRandom(17);
        float[] values = new float[shape.values().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** The loss as a function of one weight. */
    private record Slope(TrainingModel model, TrainingBatch batch, Gating gating, WeightRole role, int layer) {
        void check(String what, float[] along, Matrix gradient) {
            double length = Math.sqrt(dot(along, along));
            if (length < 1e-6) {
                return; // key biases, which move all scores of a query alike
            }
            float[] direction = new float[along.length];
            for (int i = 0; i < along.length; i++) {
                direction[i] = (float) (along[i] / length);
            }
            double step = STEP;
            while (switchesExperts(direction, 2 * step) || switchesExperts(direction, -2 * step)) {
                step /= 2;
            }
            double slope = (8 * (loss(direction, step) - loss(direction, -step))
                            - (loss(direction, 2 * step) - loss(direction, -2 * step)))
                    / (12 * step);
            double allowed = 2e-6 / step + 0.01 * norm(gradient);
            assertThat(slope)
                    .as("%s, step %s", what, step)
                    .isCloseTo(dot(direction, gradient.values()), within(allowed));
        }

        /** Whether experts go on or off on the way: the loss jumps there. */
        private boolean switchesExperts(float[] direction, double step) {
            loss(direction, 0);
            List<Boolean> here = active();
            loss(direction, step);
            return gating.mode() == Gating.Mode.HARD && !here.equals(active());
        }

        private List<Boolean> active() {
            List<Boolean> active = new ArrayList<>();
            for (int l = 0; l < 2; l++) {
                for (float score : model.scores(l)) {
                    active.add(score > gating.threshold());
                }
            }
            return active;
        }

        private double loss(float[] direction, double step) {
            Matrix before = Objects.requireNonNull(model.parameters().value(role, layer));
            float[] moved = before.values().clone();
            for (int i = 0; i < moved.length; i++) {
                moved[i] += (float) (step * direction[i]);
            }
            model.parameters().set(role, layer, new Matrix(before.rows(), before.columns(), moved));
            model.clearLosses();
            model.evaluate(batch, gating, ROUTING);
            model.parameters().set(role, layer, before);
            Losses losses = model.losses();
            return gating.mode() == Gating.Mode.SOFT
                    ? losses.task() + ETA * losses.efficiency() + LAMBDA * losses.separability()
                    : losses.task();
        }
    }

    /** Micro-batches whose rows know their share of the whole step add up to what one batch yields. */
    @ParameterizedTest
    @EnumSource
    void microBatchesAddUp(TinyFamily family) {
        TrainingBatch first = family.batch(5, 0.08f, 6, 1);
        TrainingBatch second = family.batch(6, 0.08f, 8);
        TrainingBatch both = joined(first, second);
        List<float[]> apart = gradients(family, model -> {
            model.train(first, Gating.SOFT, ROUTING, ETA, LAMBDA);
            model.train(second, Gating.SOFT, ROUTING, ETA, LAMBDA);
        });
        List<float[]> together = gradients(family, model -> model.train(both, Gating.SOFT, ROUTING, ETA, LAMBDA));
        for (int i = 0; i < apart.size(); i++) {
            // Sums of F32 numbers up to some tens, in another order.
            assertThat(apart.get(i)).as("%s, parameter %s", family, i).containsExactly(together.get(i), within(1e-5f));
        }
    }

    private List<float[]> gradients(TinyFamily family, Consumer<TrainingModel> passes) {
        try (TrainingModel model = model(family, DType.F32)) {
            model.clear();
            passes.accept(model);
            return model.parameters().all().stream()
                    .map(parameter -> {
                        int rows = parameter.gradient().rows();
                        float[] values = new float[rows * parameter.gradient().columns()];
                        queue.read(parameter.gradient(), values);
                        return values;
                    })
                    .toList();
        }
    }

    private static TrainingBatch joined(TrainingBatch a, TrainingBatch b) {
        int[] starts = new int[a.sequences() + b.sequences() + 1];
        System.arraycopy(a.starts(), 0, starts, 0, a.sequences());
        for (int i = 0; i <= b.sequences(); i++) {
            starts[a.sequences() + i] = a.rows() + b.starts()[i];
        }
        float[] weights = Arrays.copyOf(a.weights(), a.weights().length + b.weights().length);
        System.arraycopy(b.weights(), 0, weights, a.weights().length, b.weights().length);
        return new TrainingBatch(
                concat(a.ids(), b.ids()), starts, concat(a.targets(), b.targets()), weights, a.routingWeight());
    }

    private static int[] concat(int[] a, int[] b) {
        int[] result = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, result, a.length, b.length);
        return result;
    }

    /** BF16 rounds to 8 bits: losses within a few percent, gradients in the same direction. */
    @ParameterizedTest
    @EnumSource
    void trainsInBf16NearlyAsInF32(TinyFamily family) {
        TrainingBatch batch = family.batch(5, 0.08f, 6, 1, 8);
        try (TrainingModel exact = model(family, DType.F32);
                TrainingModel rounded = model(family, DType.BF16)) {
            for (TrainingModel model : List.of(exact, rounded)) {
                model.clear();
                model.train(batch, Gating.SOFT, ROUTING, ETA, LAMBDA);
            }
            Losses want = exact.losses();
            Losses found = rounded.losses();
            assertThat(found.task()).isCloseTo(want.task(), within(0.02 * want.task()));
            assertThat(found.efficiency()).isCloseTo(want.efficiency(), within(0.02 * want.efficiency()));
            for (WeightRole role : List.of(WeightRole.QUERY, WeightRole.UP, WeightRole.DOWN, WeightRole.ROUTER)) {
                for (int layer = 0; layer < 2; layer++) {
                    Matrix wanted = exact.parameters().gradient(role, layer);
                    assertThat(cosine(wanted, rounded.parameters().gradient(role, layer)))
                            .as("%s, %s of layer %s", family, role, layer)
                            .isGreaterThan(0.98);
                }
            }
        }
    }

    private static double cosine(@Nullable Matrix a, @Nullable Matrix b) {
        assertThat(a).isNotNull();
        assertThat(b).isNotNull();
        return dot(a.values(), b.values()) / norm(a) / norm(b);
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    private static double norm(Matrix matrix) {
        return Math.sqrt(dot(matrix.values(), matrix.values()));
    }

    /** Straight through: the forward pass is that of hard gating, and scores get a gradient. */
    @Test
    void straightThroughRunsHardAndTrainsRouters() {
        TinyFamily family = TinyFamily.LLAMA;
        TrainingBatch batch = family.batch(5, 0.08f, 6, 1, 8);
        try (TrainingModel model = model(family, DType.F32)) {
            model.clear();
            model.train(batch, Gating.hard(0.5f), ROUTING, 0, 0);
            Losses hard = model.losses();
            model.clear();
            model.train(batch, Gating.straightThrough(0.5f), ROUTING, ETA, 0);
            assertThat(model.losses().task()).isEqualTo(hard.task());
            assertThat(model.losses().sparsity()).isCloseTo(hard.sparsity(), within(1e-6));
            Matrix gradient = model.parameters().gradient(WeightRole.ROUTER, 1);
            assertThat(gradient).isNotNull();
            assertThat(norm(gradient)).isFinite().isPositive();
        }
    }

    @Test
    void frozenParametersGetNoGradient() {
        TinyFamily family = TinyFamily.LLAMA;
        try (TrainingModel model = model(family, DType.F32)) {
            model.parameters().setTrained(Parameter.Group.ROUTER, false);
            model.clear();
            model.train(family.batch(5, 0.08f, 6), Gating.SOFT, ROUTING, ETA, LAMBDA);
            Matrix gradient = model.parameters().gradient(WeightRole.ROUTER, 0);
            assertThat(gradient).isNotNull();
            assertThat(gradient.values()).containsOnly(0);
            assertThat(model.losses().efficiency()).as("still measured").isPositive();
        }
    }

    @Test
    void refusesBatchesThatDoNotFitAndNamesThem() {
        TinyFamily family = TinyFamily.LLAMA;
        try (TrainingModel model = model(family, DType.F32)) {
            refuses(model, family.batch(5, 1, 9), "at most 8 tokens", "9");
            refuses(model, family.batch(5, 1, 8, 8, 8), "20 rows", "24");
            refuses(model, family.batch(5, 1, 1, 1, 1, 1, 1), "4 sequences", "5");
            int[] ids = {TinyFamily.VOCABULARY};
            refuses(model, new TrainingBatch(ids, new int[] {0, 1}, ids, new float[1], 1), "below 19", "19");
        }
    }

    private static void refuses(TrainingModel model, TrainingBatch batch, String... named) {
        assertThatThrownBy(() -> model.train(batch, Gating.SOFT, ROUTING, ETA, LAMBDA))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(named);
    }

    @Test
    void refusesFamiliesWhoseGradientIsNotKnown() {
        TinyFamily family = TinyFamily.LLAMA;
        TrainingOptions options = new TrainingOptions(DType.F32, 8, 1, 8, 8);
        assertThatThrownBy(() -> new TrainingModel(family.config(30), family.weights(3), backend, queue, options))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("caps its logits");
    }
}
