package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.backend.Activation;
import dev.lte.backend.AdamWSpec;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Gating;
import dev.lte.backend.NormSpec;
import dev.lte.backend.ParameterState;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.backend.RoutingLossSpec.Efficiency;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** As {@link ContractTestDetectsFaultsTest}, for the operations of training. */
class TrainingContractDetectsFaultsTest {
    @TestFactory
    Stream<DynamicTest> findsFaultsOfProducts() {
        return Stream.of(
                fault(
                        "embedding gradient that replaces",
                        "embedBackward",
                        (k, a) -> {
                            k.fill(t(a, 0), 0);
                            k.embedBackward(t(a, 0), t(a, 1), t(a, 2), (float) a[3]);
                        },
                        TrainingLinearContract::embedsAndScattersGradients),
                fault(
                        "embedding gradient without its scale",
                        "embedBackward",
                        (k, a) -> k.embedBackward(t(a, 0), t(a, 1), t(a, 2), 1),
                        TrainingLinearContract::embedsAndScattersGradients),
                fault(
                        "product without bias",
                        "linear",
                        (k, a) -> k.linear(t(a, 0), t(a, 1), t(a, 2), null, (Write) a[4]),
                        TrainingLinearContract::multipliesAndDifferentiatesMatricesOfEverySize),
                fault(
                        "input gradient that replaces instead of adding",
                        "linearBackwardInput",
                        (k, a) -> k.linearBackwardInput(t(a, 0), t(a, 1), t(a, 2), Write.SET),
                        TrainingLinearContract::multipliesAndDifferentiatesMatricesOfEverySize),
                fault(
                        "weight gradient without the last row",
                        "linearBackwardWeight",
                        (k, a) -> {
                            int rows = t(a, 2).rows() == 17 ? 16 : t(a, 2).rows();
                            k.linearBackwardWeight(
                                    t(a, 0), t(a, 1), t(a, 2).rowRange(0, rows), t(a, 3).rowRange(0, rows));
                        },
                        TrainingLinearContract::multipliesAndDifferentiatesMatricesOfEverySize),
                fault(
                        "no gradient of the bias",
                        "linearBackwardWeight",
                        (k, a) -> k.linearBackwardWeight(t(a, 0), null, t(a, 2), t(a, 3)),
                        TrainingLinearContract::multipliesAndDifferentiatesMatricesOfEverySize),
                fault(
                        "scores without sigmoid",
                        "routerScores",
                        (k, a) -> k.linear(t(a, 0), t(a, 1), t(a, 2), null, Write.SET),
                        TrainingFfnContract::scoresAndDifferentiatesExperts));
    }

    @TestFactory
    Stream<DynamicTest> findsFaultsOfNormsAndAttention() {
        return Stream.of(
                fault(
                        "residual sum that is not kept",
                        "addNorm",
                        (k, a) -> k.addNorm(
                                t(a, 0), t(a, 1), t(a, 0), t(a, 3), t(a, 4), t(a, 5), t(a, 6), (NormSpec) a[7]),
                        TrainingNormContract::normalisesAndDifferentiatesRowsOfEveryWidth),
                fault(
                        "norm gradient without the mean",
                        "normBackward",
                        (k, a) -> {
                            NormSpec spec = new NormSpec(NormSpec.Kind.RMS, 1e-5f, ((NormSpec) a[7]).weightOffset());
                            k.normBackward(
                                    t(a, 0), t(a, 1), t(a, 2), t(a, 3), t(a, 4), t(a, 5), t(a, 6), spec, (Write) a[8]);
                        },
                        TrainingNormContract::normalisesAndDifferentiatesRowsOfEveryWidth),
                fault(
                        "rotation the wrong way back",
                        "ropeBackward",
                        (k, a) -> k.rope(t(a, 0), t(a, 1), t(a, 2), (RopeSpec) a[3]),
                        TrainingNormContract::rotatesAndRotatesBack),
                fault(
                        "no log-sum-exp",
                        "attention",
                        (k, a) -> {
                            k.attention(t(a, 0), t(a, 1), t(a, 2), t(a, 3), t(a, 4), t(a, 5), (AttentionSpec) a[6]);
                            k.fill(t(a, 1), 0);
                        },
                        TrainingAttentionContract::attendsAndDifferentiatesWithEveryNumberOfHeads),
                fault(
                        "attention gradient without causality",
                        "attentionBackward",
                        attentionBackward(s -> spec(s, false, s.window(), s.softcap())),
                        TrainingAttentionContract::attendsAndDifferentiatesWithEveryNumberOfHeads),
                fault(
                        "attention gradient with a window one wider",
                        "attentionBackward",
                        attentionBackward(s -> spec(s, s.causal(), s.window() == 0 ? 0 : s.window() + 1, s.softcap())),
                        TrainingAttentionContract::attendsAndDifferentiatesWithinAWindowAndUnderACap),
                fault(
                        "attention gradient without the cap",
                        "attentionBackward",
                        attentionBackward(s -> spec(s, s.causal(), s.window(), 0)),
                        TrainingAttentionContract::attendsAndDifferentiatesWithinAWindowAndUnderACap));
    }

    @TestFactory
    Stream<DynamicTest> findsFaultsOfGatingAndLosses() {
        return Stream.of(
                fault(
                        "experts at the threshold",
                        "ffnActivation",
                        (k, a) -> k.ffnActivation(
                                t(a, 0), t(a, 1), t(a, 2), t(a, 3), (Activation) a[4], lower((Gating) a[5])),
                        TrainingFfnContract::activatesAndDifferentiatesNeuronsUnderEveryGating),
                fault(
                        "soft gradients under straight-through",
                        "ffnActivationBackward",
                        (k, a) -> {
                            boolean straight = ((Gating) a[8]).mode() == Gating.Mode.STRAIGHT_THROUGH;
                            activationBackward(k, a, (Activation) a[7], straight ? Gating.SOFT : (Gating) a[8]);
                        },
                        TrainingFfnContract::activatesAndDifferentiatesNeuronsUnderEveryGating),
                fault(
                        "slope of another gelu",
                        "ffnActivationBackward",
                        (k, a) -> {
                            Activation given = (Activation) a[7];
                            activationBackward(
                                    k, a, given == Activation.GELU ? Activation.GELU_TANH : given, (Gating) a[8]);
                        },
                        TrainingFfnContract::activatesAndDifferentiatesNeuronsUnderEveryGating),
                fault(
                        "squared scores instead of plain ones",
                        "routingLoss",
                        routing(s -> new RoutingLossSpec(Efficiency.SQUARED, s.threshold(), s.guard())),
                        TrainingLossContract::measuresRouting),
                fault(
                        "another guard",
                        "routingLoss",
                        routing(s -> new RoutingLossSpec(s.efficiency(), s.threshold(), 1.01f * s.guard())),
                        TrainingLossContract::measuresRouting),
                fault(
                        "loss of a row counted twice",
                        "crossEntropy",
                        (k, a) -> {
                            Tensor first = t(a, 2).rowRange(0, 1);
                            k.crossEntropy(t(a, 0), null, first, t(a, 3).rowRange(0, 1), t(a, 4).rowRange(0, 1));
                            k.crossEntropy(t(a, 0), t(a, 1), t(a, 2), t(a, 3), t(a, 4));
                        },
                        TrainingLossContract::losesOverVocabulariesOfEverySize),
                fault(
                        "distillation at temperature 1",
                        "distillation",
                        (k, a) -> k.distillation(t(a, 0), t(a, 1), t(a, 2), t(a, 3), t(a, 4), 1, (Write) a[6]),
                        TrainingLossContract::losesAgainstATeacher));
    }

    @TestFactory
    Stream<DynamicTest> findsFaultsOfOptimisers() {
        return Stream.of(
                fault(
                        "squares of the first tensor alone",
                        "addSquares",
                        (k, a) -> k.addSquares(
                                t(a, 0), tensors(a[1]).stream().limit(1).toList()),
                        OptimizerContract::addsSquaresOfAllTensors),
                fault("no clipping", "clipFactor", (k, a) -> k.fill(t(a, 0), 1), OptimizerContract::clipsToANorm),
                fault(
                        "step without weight decay",
                        "adamW",
                        (k, a) -> k.adamW(states(a[0]), t(a, 1), t(a, 2), new AdamWSpec(0.9f, 0.999f, 1e-8f, 0)),
                        OptimizerContract::stepsWithAndWithoutCopies),
                fault(
                        "copy that stays behind",
                        "adamW",
                        (k, a) -> k.adamW(withoutCopies(states(a[0])), t(a, 1), t(a, 2), (AdamWSpec) a[3]),
                        OptimizerContract::stepsWithAndWithoutCopies),
                fault("fill with 0", "fill", (k, a) -> k.fill(t(a, 0), 0), OptimizerContract::fillsAndCopies));
    }

    private static DynamicTest fault(
            String name, String operation, FaultyTraining.Fault fault, Consumer<FaultyTraining> part) {
        return DynamicTest.dynamicTest(name, () -> {
            FaultyTraining contract = new FaultyTraining(operation, fault);
            contract.openRig();
            try {
                assertThatThrownBy(() -> part.accept(contract)).isInstanceOf(AssertionError.class);
            } finally {
                contract.closeRig();
            }
        });
    }

    private static Tensor t(Object[] arguments, int index) {
        return (Tensor) arguments[index];
    }

    @SuppressWarnings("unchecked")
    private static List<Tensor> tensors(Object argument) {
        return (List<Tensor>) argument;
    }

    @SuppressWarnings("unchecked")
    private static List<ParameterState> states(Object argument) {
        return (List<ParameterState>) argument;
    }

    private static List<ParameterState> withoutCopies(List<ParameterState> states) {
        return states.stream()
                .map(s -> new ParameterState(s.master(), null, s.gradient(), s.mean(), s.square()))
                .toList();
    }

    private static Gating lower(Gating gating) {
        return gating.mode() == Gating.Mode.HARD ? Gating.hard(Math.nextDown(gating.threshold())) : gating;
    }

    private static void activationBackward(TrainingKernels k, Object[] a, Activation activation, Gating gating) {
        k.ffnActivationBackward(t(a, 0), t(a, 1), t(a, 2), t(a, 3), t(a, 4), t(a, 5), t(a, 6), activation, gating);
    }

    private static FaultyTraining.Fault routing(UnaryOperator<RoutingLossSpec> change) {
        return (k, a) ->
                k.routingLoss(t(a, 0), t(a, 1), t(a, 2), t(a, 3), t(a, 4), change.apply((RoutingLossSpec) a[5]));
    }

    private static AttentionSpec spec(AttentionSpec s, boolean causal, int window, float softcap) {
        return new AttentionSpec(s.heads(), s.keyValueHeads(), s.headSize(), s.scale(), causal, window, softcap);
    }

    private static FaultyTraining.Fault attentionBackward(UnaryOperator<AttentionSpec> change) {
        return (k, a) -> k.attentionBackward(
                t(a, 0),
                t(a, 1),
                t(a, 2),
                t(a, 3),
                t(a, 4),
                t(a, 5),
                t(a, 6),
                t(a, 7),
                t(a, 8),
                t(a, 9),
                change.apply((AttentionSpec) a[10]));
    }
}
