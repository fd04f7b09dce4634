package dev.lte.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.reference.ReferenceBackendProvider;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a dense model teaches a routed one. */
class TeacherTest {
    private static final RoutingLossSpec ROUTING = new RoutingLossSpec(RoutingLossSpec.Efficiency.SQUARED, 0.5f, 0.05f);
    private static final double WEIGHT = 0.7;
    private static final double STEP = 0.002;

    private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
    private final KernelQueue queue = backend.openQueue();

    @AfterEach
    void close() {
        queue.close();
        backend.close();
    }

    private static TrainingOptions options() {
        // Fewer rows of logits than the batch has, so that heads work in parts.
        return new TrainingOptions(DType.F32, 20, 4, 8, 5);
    }

    private TrainingModel model(TinyFamily family) {
        return new TrainingModel(family.config(), family.weights(3), backend, queue, options());
    }

    private Teacher teacher(TinyFamily family, long seed) {
        return new Teacher(family.config().withRouting(null), family.weights(seed), backend, queue, options(), WEIGHT);
    }

    /** As the slopes of a model without a teacher: from five points, read in F32. */
    @ParameterizedTest
    @EnumSource
    void gradientsAreTheSlopesOfBothLosses(TinyFamily family) {
        TrainingBatch batch = family.batch(5, 0.08f, 6, 1, 8);
        try (TrainingModel model = model(family);
                Teacher teacher = teacher(family, 4)) {
            model.setTeacher(teacher);
            for (WeightRole role :
                    List.of(WeightRole.TOKEN_EMBEDDING, WeightRole.QUERY, WeightRole.DOWN, WeightRole.ROUTER)) {
                model.clear();
                model.train(batch, Gating.SOFT, ROUTING, 0, 0);
                Matrix gradient = Objects.requireNonNull(model.parameters().gradient(role, 0));
                double length = norm(gradient);
                double slope = (8
                                        * (loss(model, teacher, batch, role, gradient, STEP)
                                                - loss(model, teacher, batch, role, gradient, -STEP))
                                - (loss(model, teacher, batch, role, gradient, 2 * STEP)
                                        - loss(model, teacher, batch, role, gradient, -2 * STEP)))
                        / (12 * STEP);
                assertThat(slope).as("%s, %s", family, role).isCloseTo(length, within(2e-6 / STEP + 0.01 * length));
            }
        }
    }

    private double loss(
            TrainingModel model, Teacher teacher, TrainingBatch batch, WeightRole role, Matrix along, double step) {
        Matrix before = Objects.requireNonNull(model.parameters().value(role, 0));
        float[] moved = before.values().clone();
        double length = norm(along);
        for (int i = 0; i < moved.length; i++) {
            moved[i] += (float) (step * along.values()[i] / length);
        }
        model.parameters().set(role, 0, new Matrix(before.rows(), before.columns(), moved));
        model.clear();
        model.train(batch, Gating.SOFT, ROUTING, 0, 0);
        model.parameters().set(role, 0, before);
        return model.losses().task() + taught(teacher);
    }

    private double taught(Teacher teacher) {
        float[] loss = new float[1];
        queue.read(teacher.loss(), loss);
        return loss[0];
    }

    private static double norm(Matrix matrix) {
        double sum = 0;
        for (float value : matrix.values()) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum);
    }

    @ParameterizedTest
    @EnumSource
    void aModelHasNothingToLearnFromItself(TinyFamily family) {
        TrainingBatch batch = family.batch(5, 0.08f, 6, 1, 8);
        try (TrainingModel model = model(family);
                TrainingModel alone = model(family);
                Teacher teacher = teacher(family, 3);
                Teacher other = teacher(family, 4)) {
            alone.clear();
            alone.train(batch, Gating.NONE, ROUTING, 0, 0);
            model.setTeacher(teacher);
            model.clear();
            model.train(batch, Gating.NONE, ROUTING, 0, 0);
            assertThat(taught(teacher)).as("%s", family).isCloseTo(0, within(1e-6));
            assertThat(model.losses().task()).isEqualTo(alone.losses().task());
            Matrix wanted = Objects.requireNonNull(alone.parameters().gradient(WeightRole.DOWN, 1));
            Matrix found = Objects.requireNonNull(model.parameters().gradient(WeightRole.DOWN, 1));
            assertThat(found.values()).containsExactly(wanted.values(), within(1e-6f));

            model.setTeacher(other);
            model.clear();
            model.train(batch, Gating.NONE, ROUTING, 0, 0);
            assertThat(taught(other)).as("%s", family).isGreaterThan(1e-4);
            model.setTeacher(null);
            model.clear();
            model.train(batch, Gating.NONE, ROUTING, 0, 0);
            found = Objects.requireNonNull(model.parameters().gradient(WeightRole.DOWN, 1));
            assertThat(found.values()).containsExactly(wanted.values());
        }
    }

    @Test
    void aTeacherIsDense() {
        TinyFamily family = TinyFamily.LLAMA;
        assertThatThrownBy(() -> new Teacher(family.config(), family.weights(3), backend, queue, options(), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("dense");
    }
}
