package dev.lte.core.contract;

import dev.lte.backend.Activation;
import dev.lte.backend.AdamWSpec;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.NormSpec;
import dev.lte.backend.ParameterState;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import java.util.List;
import java.util.Objects;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ThrowableAssert;
import org.junit.jupiter.api.Test;

/** Operations of training refuse what does not fit, before anything runs, and name it. */
interface TrainingShapeContract extends TrainingContract {
    @Test
    default void trainingRefusesShapesThatDoNotFitAndNamesThem() {
        if (trainingTypes().isEmpty()) {
            return;
        }
        TrainingKernels k = Objects.requireNonNull(rig().queue().training());
        Backend b = rig().tested();
        NormSpec norm = new NormSpec(NormSpec.Kind.LAYER, 1e-5f, 0);
        RopeSpec rope = new RopeSpec(8, 8, RopeSpec.Pairing.HALVES);
        RoutingLossSpec routing = new RoutingLossSpec(RoutingLossSpec.Efficiency.SQUARED, 0.5f, 1e-4f);
        no("9 x 32", () -> k.embed(f(b, 3, 31), f(b, 9, 32), i(b, 3), 1, Write.SET));
        no("9 x 32", () -> k.embedBackward(f(b, 9, 32), f(b, 3, 31), i(b, 3), 1));
        no("0 x 32", () -> k.embedBackward(f(b, 0, 32), f(b, 3, 32), i(b, 3), 1));
        no("3 x 31", () -> k.linear(f(b, 3, 20), f(b, 3, 31), f(b, 20, 32), null, Write.SET));
        no("I32", () -> k.linear(f(b, 3, 1), i(b, 3), f(b, 1, 1), null, Write.SET));
        no("1 x 32", () -> k.linear(f(b, 3, 20), f(b, 3, 32), f(b, 20, 32), f(b, 1, 32), Write.SET));
        no("3 x 21", () -> k.linearBackwardInput(f(b, 3, 32), f(b, 3, 21), f(b, 20, 32), Write.SET));
        no("4 x 32", () -> k.linearBackwardWeight(f(b, 20, 31), null, f(b, 4, 20), f(b, 4, 32)));
        no("3 x 20", () -> k.linearBackwardWeight(f(b, 20, 32), null, f(b, 3, 20), f(b, 4, 32)));
        no("1 x 32", () -> k.linearBackwardWeight(f(b, 20, 32), f(b, 1, 32), f(b, 4, 20), f(b, 4, 32)));
        no("3 x 1", () -> k.norm(f(b, 3, 32), f(b, 3, 1), f(b, 3, 32), f(b, 1, 32), null, norm));
        no("1 x 31", () -> k.norm(f(b, 3, 32), f(b, 3, 2), f(b, 3, 32), f(b, 1, 31), null, norm));
        no(
                "2 x 32",
                () -> k.addNorm(
                        f(b, 3, 32), f(b, 3, 2), f(b, 3, 32), f(b, 3, 32), f(b, 2, 32), f(b, 1, 32), null, norm));
        no(
                "1 x 16",
                () -> k.normBackward(
                        f(b, 3, 32),
                        f(b, 1, 16),
                        null,
                        f(b, 3, 32),
                        f(b, 3, 32),
                        f(b, 3, 2),
                        f(b, 1, 32),
                        norm,
                        Write.SET));
        no("3 x 30", () -> k.rope(f(b, 3, 30), i(b, 3), f(b, 9, 8), rope));
        no("9 x 6", () -> k.ropeBackward(f(b, 3, 32), i(b, 3), f(b, 9, 6), rope));
        AttentionSpec spec = new AttentionSpec(4, 2, 8, 1, true, 0, 0);
        no("3 x 2", () -> k.attention(f(b, 3, 32), f(b, 3, 2), f(b, 3, 32), f(b, 3, 16), f(b, 3, 16), i(b, 2), spec));
        no("3 x 32", () -> k.attention(f(b, 3, 32), f(b, 3, 4), f(b, 3, 32), f(b, 3, 32), f(b, 3, 16), i(b, 2), spec));
        no("0 x 1", () -> k.attention(f(b, 3, 32), f(b, 3, 4), f(b, 3, 32), f(b, 3, 16), f(b, 3, 16), i(b, 0), spec));
        no("3 x 31", () -> k.ffnActivation(f(b, 3, 32), f(b, 3, 31), f(b, 3, 32), null, Activation.SILU, Gating.NONE));
        no("3 x 5", () -> k.ffnActivation(f(b, 3, 32), null, f(b, 3, 32), f(b, 3, 5), Activation.SILU, Gating.SOFT));
        no("NONE", () -> k.ffnActivation(f(b, 3, 32), null, f(b, 3, 32), f(b, 3, 4), Activation.SILU, Gating.NONE));
        no("SOFT", () -> k.ffnActivation(f(b, 3, 32), null, f(b, 3, 32), null, Activation.SILU, Gating.SOFT));
        no(
                "HARD",
                () -> k.ffnActivationBackward(
                        null,
                        f(b, 3, 32),
                        f(b, 3, 4),
                        f(b, 3, 32),
                        null,
                        f(b, 3, 32),
                        f(b, 3, 4),
                        Activation.SILU,
                        Gating.hard(0.5f)));
        no("3 x 31", () -> k.routerScores(f(b, 3, 20), f(b, 3, 31), f(b, 20, 32)));
        no("3 x 19", () -> k.routerScoresBackward(f(b, 3, 20), f(b, 3, 19), f(b, 3, 20)));
        no("1 x 2", () -> k.routingLoss(f(b, 1, 2), null, f(b, 3, 20), f(b, 3, 1), null, routing));
        no("factors", () -> k.routingLoss(f(b, 1, 3), f(b, 3, 20), f(b, 3, 20), f(b, 3, 1), null, routing));
        no("3 x 1 F32", () -> k.crossEntropy(f(b, 1, 1), null, f(b, 3, 20), f(b, 3, 1), f(b, 3, 1)));
        no("2 x 1", () -> k.crossEntropy(f(b, 1, 1), null, f(b, 3, 20), i(b, 3), f(b, 2, 1)));
        no(
                "temperature",
                () -> k.distillation(f(b, 1, 1), f(b, 3, 20), f(b, 3, 20), f(b, 3, 20), f(b, 3, 1), 0, Write.SET));
        no("1 x 2", () -> k.addSquares(f(b, 1, 2), List.of()));
        no("maxNorm", () -> k.clipFactor(f(b, 1, 1), f(b, 1, 1), 0));
        no(
                "3 x 3",
                () -> k.adamW(
                        List.of(new ParameterState(f(b, 3, 4), null, f(b, 3, 4), f(b, 3, 3), f(b, 3, 4))),
                        f(b, 1, 1),
                        f(b, 1, 3),
                        new AdamWSpec(0.9f, 0.99f, 1e-8f, 0)));
        no("3 x 3", () -> k.copy(f(b, 3, 4), f(b, 3, 3)));
        no("I32", () -> k.fill(i(b, 3), 0));
    }

    /** Rows of different types meet in one product, which no library offers. */
    @Test
    default void trainingRefusesProductsOfDifferentTypes() {
        if (!trainingTypes().contains(DType.BF16)) {
            return;
        }
        TrainingKernels k = Objects.requireNonNull(rig().queue().training());
        Backend b = rig().tested();
        Tensor half = b.allocate(DType.BF16, 20, 32);
        no("3 x 32 BF16", () -> k.linear(f(b, 3, 20), f(b, 3, 32), half, null, Write.SET));
        no("3 x 20 BF16", () -> k.linearBackwardInput(f(b, 3, 32), f(b, 3, 20), half, Write.SET));
        no("20 x 16 BF16", () -> k.linearBackwardWeight(f(b, 16, 32), null, f(b, 20, 16), half));
    }

    @Test
    default void trainingOfNoRowsDoesNothing() {
        if (trainingTypes().isEmpty()) {
            return;
        }
        rig().compare("no rows", 331, side -> {
            TrainingKernels k = side.training();
            Tensor weight = side.input(Values.normal(side.random(), 12), 3, 4);
            Tensor none = side.input(new float[0], 0, 4);
            Tensor noneOut = side.input(new float[0], 0, 3);
            Tensor noColumn = side.input(new float[0], 0, 1);
            Tensor noIds = side.input(new int[0], 0, 1);
            Output dweight = side.changing("dweight", DType.F32, Values.normal(side.random(), 12), 3, 4);
            Output loss = side.changing("loss", DType.F32, new float[] {7}, 1, 1);
            k.linear(noneOut, none, weight, null, Write.SET);
            k.linearBackwardInput(none, noneOut, weight, Write.ADD);
            k.linearBackwardWeight(dweight.tensor(), null, noneOut, none);
            k.embedBackward(dweight.tensor(), none, noIds, 1);
            k.crossEntropy(loss.tensor(), none, none, noIds, noColumn);
            k.fill(none, 1);
        });
    }

    private static void no(String named, ThrowableAssert.ThrowingCallable operation) {
        Assertions.assertThatThrownBy(operation)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(named);
    }

    private static Tensor f(Backend backend, int rows, int columns) {
        return backend.allocate(DType.F32, rows, columns);
    }

    private static Tensor i(Backend backend, int rows) {
        return backend.allocate(DType.I32, rows, 1);
    }
}
