package dev.lte.core.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.backend.AdamWSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import dev.lte.backend.Gating;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.train.AdamW;
import dev.lte.core.train.Losses;
import dev.lte.core.train.Matrix;
import dev.lte.core.train.Parameter;
import dev.lte.core.train.TrainingModel;
import dev.lte.core.train.WeightValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * LTE training of small models of each kind against what PyTorch computed in F64: logits and scores, every part of the loss,
 * every gradient, and 20 + 20 steps of AdamW through both stages. The folder is given by the system property {@code
 * lte.training.fixtures}; without it, the project's own copies are used. To be extended by a test of each backend that trains.
 *
 * <p>Both sides hold parameters in F32, PyTorch computes in F64, we in F32; tolerances are what that leaves. Scores stay at least
 * 3e-4 away from the threshold wherever routing is hard, so no expert may differ.
 */
public abstract class LteGolden {
    /** Absolute, of logits around 1: F32 sums over two layers. */
    private static final double LOGITS = 1e-5;

    /** Absolute, of scores in (0, 1). */
    private static final double SCORES = 2e-6;

    /** Relative, of losses. */
    private static final double LOSS = 1e-5;

    /** Relative to the largest gradient of a tensor; the slope of the separability loss magnifies what scores are off. */
    private static final double SOFT_GRADIENT = 1e-4;

    private static final double HARD_GRADIENT = 1e-5;

    /** Gradients that are 0 but for rounding, such as those of key biases, which move all scores of a query alike. */
    private static final double ROUNDING = 1e-8;

    /** Relative, of losses along the trajectory. */
    private static final double TRAJECTORY = 1e-5;

    /**
     * Training with a separability loss is chaotic: near the threshold its slope changes by two over the squared guard, and steps of
     * AdamW have the size of the rate wherever the gradient's rounding may decide the sign. So trajectories are compared with the
     * reference's as far as twins of our own stay together that began half a unit in the last place apart; where those part, at
     * most this many times as far.
     */
    private static final double SPREADS = 20;

    private static final int TWINS = 2;

    private static final AdamWSpec ADAM_W = new AdamWSpec(0.9f, 0.999f, 1e-8f, 0.01f);

    @TempDir
    Path temporary;

    /** Name of the backend under test. */
    protected abstract String backend();

    @TestFactory
    final List<DynamicTest> trainingComputesWhatTheReferenceComputed() throws IOException {
        String given = System.getProperty("lte.training.fixtures");
        Path folder = given == null ? Resources.folder("/dev/lte/core/fixtures/lte", temporary) : Path.of(given);
        try (Stream<Path> entries = Files.list(folder)) {
            List<DynamicTest> tests = entries.filter(model -> Files.exists(model.resolve("golden.json")))
                    .sorted()
                    .flatMap(model -> Stream.of(
                            DynamicTest.dynamicTest(model.getFileName() + ", soft", () -> check(model, true)),
                            DynamicTest.dynamicTest(model.getFileName() + ", hard", () -> check(model, false)),
                            DynamicTest.dynamicTest(model.getFileName() + ", steps", () -> checkSteps(model))))
                    .toList();
            assertThat(tests).as("models in %s", folder).isNotEmpty();
            return tests;
        }
    }

    private void check(Path directory, boolean soft) {
        try (LteFixture fixture = LteFixture.open(directory, temporary);
                Backend backend = open();
                KernelQueue queue = backend.openQueue();
                TrainingModel model = fixture.model(backend, queue, fixture.weights())) {
            String prefix = soft ? "soft" : "hard";
            Gating gating = soft ? Gating.SOFT : Gating.hard(fixture.threshold());
            RoutingLossSpec routing = fixture.routing();
            model.evaluate(fixture.batch(), gating, routing);
            compare(prefix + ".logits", fixture.floats(prefix + ".logits"), model.logits(), LOGITS);
            if (soft) {
                for (int layer = 0; layer < model.config().layers().size(); layer++) {
                    compare("scores of layer " + layer, fixture.scores(layer), model.scores(layer), SCORES);
                }
            }
            Losses losses =
                    train(model, fixture, gating, soft ? fixture.number("eta") : 0, soft ? fixture.number("lam") : 0);
            assertRelative(prefix + "_task", fixture.number(prefix + "_task"), losses.task(), LOSS);
            if (soft) {
                assertRelative("soft_eff", fixture.number("soft_eff"), losses.efficiency(), LOSS);
                assertRelative("soft_sep", fixture.number("soft_sep"), losses.separability(), LOSS);
            } else {
                assertThat(losses.sparsity())
                        .as("hard_sparsity")
                        .isCloseTo(fixture.number("hard_sparsity"), within(1e-6));
            }
            checkGradients(model, fixture.gradients(prefix), soft);
        }
    }

    private static void checkGradients(TrainingModel model, WeightValues expected, boolean routers) {
        int compared = 0;
        for (WeightRole role : WeightRole.values()) {
            int layers = role.perLayer() ? model.config().layers().size() : 1;
            for (int layer = 0; layer < layers; layer++) {
                Matrix found = model.parameters().gradient(role, layer);
                if (found == null || role == WeightRole.ROUTER && !routers) {
                    continue;
                }
                Matrix want = expected.find(role, layer);
                assertThat(want).as("gradient of %s of layer %s", role, layer).isNotNull();
                double largest = 0;
                for (float value : want.values()) {
                    largest = Math.max(largest, Math.abs(value));
                }
                String what = "gradient of " + role + " of layer " + layer;
                compare(
                        what,
                        want.values(),
                        found.values(),
                        (routers ? SOFT_GRADIENT : HARD_GRADIENT) * largest + ROUNDING);
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(15);
    }

    private void checkSteps(Path directory) {
        try (LteFixture fixture = LteFixture.open(directory, temporary);
                Backend backend = open()) {
            List<double[]> found = steps(fixture, backend, fixture.weights());
            List<double[]> spread = new ArrayList<>();
            for (long seed = 1; seed <= TWINS; seed++) {
                addSpread(spread, found, steps(fixture, backend, nudged(fixture.weights(), seed)));
            }
            int stage1 = fixture.steps("stage1").size();
            List<double[]> expected = new ArrayList<>(fixture.steps("stage1"));
            expected.addAll(fixture.steps("stage2"));
            for (int step = 0; step < expected.size(); step++) {
                String what = step < stage1 ? "stage 1, step " + step : "stage 2, step " + (step - stage1);
                double[] want = expected.get(step);
                for (int part = 0; part < found.get(step).length; part++) {
                    double tolerance = TRAJECTORY * Math.abs(want[part]) + SPREADS * spread.get(step)[part];
                    assertThat(found.get(step)[part])
                            .as("%s, part %s, where twins are %s apart", what, part, spread.get(step)[part])
                            .isCloseTo(want[part], within(tolerance));
                }
            }
        }
    }

    /** Losses of all steps: task, efficiency and separability in stage 1, task and sparsity in stage 2. */
    private static List<double[]> steps(LteFixture fixture, Backend backend, WeightValues weights) {
        List<double[]> all = new ArrayList<>();
        try (KernelQueue queue = backend.openQueue();
                TrainingModel model = fixture.model(backend, queue, weights)) {
            try (AdamW optimizer = new AdamW(backend, queue, model.parameters().all(), ADAM_W, 1)) {
                for (int step = 0; step < fixture.steps("stage1").size(); step++) {
                    Losses losses = train(model, fixture, Gating.SOFT, fixture.number("eta"), fixture.number("lam"));
                    all.add(new double[] {losses.task(), losses.efficiency(), losses.separability()});
                    optimizer.step(1e-3f);
                }
            }
            model.parameters().setTrained(Parameter.Group.ROUTER, false);
            try (AdamW optimizer = new AdamW(backend, queue, model.parameters().all(), ADAM_W, 1)) {
                for (int step = 0; step < fixture.steps("stage2").size(); step++) {
                    Losses losses = train(model, fixture, Gating.hard(fixture.threshold()), 0, 0);
                    all.add(new double[] {losses.task(), losses.sparsity()});
                    optimizer.step(5e-4f);
                }
            }
        }
        return all;
    }

    /** Widens the spread by how far a twin went; what was once reached stays. */
    private static void addSpread(List<double[]> spread, List<double[]> found, List<double[]> twin) {
        for (int step = 0; step < found.size(); step++) {
            int parts = found.get(step).length;
            if (spread.size() == step) {
                spread.add(new double[parts]);
            }
            for (int part = 0; part < parts; part++) {
                double apart = Math.abs(found.get(step)[part] - twin.get(step)[part]);
                boolean sameStage = step > 0 && found.get(step - 1).length == parts;
                double before = sameStage ? spread.get(step - 1)[part] : 0;
                spread.get(step)[part] = Math.max(spread.get(step)[part], Math.max(before, apart));
            }
        }
    }

    /** Half of the weights one unit in the last place further from 0. */
    private static WeightValues nudged(WeightValues weights, long seed) {
        return (role, layer) -> {
            Matrix matrix = weights.find(role, layer);
            if (matrix == null) {
                return null;
            }
            SplittableRandom random = new SplittableRandom(seed);
            float[] values = matrix.values().clone();
            for (int i = 0; i < values.length; i++) {
                values[i] += random.nextBoolean() ? Math.copySign(Math.ulp(values[i]), values[i]) : 0;
            }
            return new Matrix(matrix.rows(), matrix.columns(), values);
        };
    }

    private static Losses train(TrainingModel model, LteFixture fixture, Gating gating, float eta, float lambda) {
        model.clear();
        model.train(fixture.batch(), gating, fixture.routing(), eta, lambda);
        return model.losses();
    }

    private Backend open() {
        return ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(candidate -> candidate.name().equals(backend()))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no backend " + backend()))
                .open(BackendOptions.defaults());
    }

    private static void assertRelative(String what, double expected, double found, double tolerance) {
        assertThat(Math.abs(found - expected) / Math.abs(expected))
                .as("%s: expected %s, found %s", what, expected, found)
                .isLessThanOrEqualTo(tolerance);
    }

    private static void compare(String what, float[] expected, float[] found, double tolerance) {
        assertThat(found).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            if (!(Math.abs((double) expected[i] - found[i]) <= tolerance)) {
                throw new AssertionError(what + "[" + i + "]: expected " + expected[i] + ", found " + found[i]
                        + ", allowed difference " + tolerance);
            }
        }
    }
}
