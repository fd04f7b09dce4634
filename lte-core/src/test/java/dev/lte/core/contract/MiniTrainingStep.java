package dev.lte.core.contract;

import dev.lte.backend.Activation;
import dev.lte.backend.AdamWSpec;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.NormSpec;
import dev.lte.backend.ParameterState;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every operation of training once, on tensors that exist already. */
final class MiniTrainingStep {
    private static final int ROWS = 48;
    private static final int WIDTH = 64;
    private static final int EXPERTS = 2;

    private MiniTrainingStep() {}

    static Map<String, Runnable> operations(Side side, DType dtype) {
        TrainingKernels k = side.training();
        Tensor x = matrix(side, dtype, ROWS, WIDTH);
        Tensor y = matrix(side, dtype, ROWS, WIDTH);
        Tensor out = matrix(side, dtype, ROWS, WIDTH);
        Tensor key = matrix(side, dtype, ROWS, WIDTH / 2);
        Tensor value = matrix(side, dtype, ROWS, WIDTH / 2);
        Tensor dkey = matrix(side, dtype, ROWS, WIDTH / 2);
        Tensor dvalue = matrix(side, dtype, ROWS, WIDTH / 2);
        Tensor weight = matrix(side, dtype, WIDTH, WIDTH);
        Tensor dout = matrix(side, dtype, ROWS, WIDTH);
        Tensor router = matrix(side, dtype, EXPERTS, WIDTH);
        Tensor bias = matrix(side, dtype, 1, WIDTH);
        Tensor dweight = matrix(side, DType.F32, WIDTH, WIDTH);
        Tensor dbias = matrix(side, DType.F32, 1, WIDTH);
        Tensor statistics = matrix(side, DType.F32, ROWS, 2);
        Tensor scores = matrix(side, DType.F32, ROWS, EXPERTS);
        Tensor dscores = matrix(side, DType.F32, ROWS, EXPERTS);
        Tensor logSumExp = matrix(side, DType.F32, ROWS, 4);
        Tensor rowWeights = matrix(side, DType.F32, ROWS, 1);
        Tensor losses = matrix(side, DType.F32, 1, 3);
        Tensor scalar = matrix(side, DType.F32, 1, 1);
        Tensor factors = matrix(side, DType.F32, 1, 2);
        Tensor ids = side.input(Values.integers(side.random(), ROWS, 0, WIDTH), ROWS, 1);
        Tensor starts = side.input(new int[] {0, 20, ROWS}, 3, 1);
        Tensor table = matrix(side, DType.F32, ROWS, 16);
        NormSpec norm = new NormSpec(NormSpec.Kind.LAYER, 1e-5f, 0);
        RopeSpec rope = new RopeSpec(16, 16, RopeSpec.Pairing.HALVES);
        AttentionSpec attention = new AttentionSpec(4, 2, 16, 0.25f, true, 0, 0);
        RoutingLossSpec routing = new RoutingLossSpec(RoutingLossSpec.Efficiency.SQUARED, 0.5f, 1e-4f);
        AdamWSpec adamW = new AdamWSpec(0.9f, 0.99f, 1e-8f, 0.1f);
        Tensor copy = dtype == DType.BF16 ? matrix(side, dtype, WIDTH, WIDTH) : null;
        List<ParameterState> states = List.of(new ParameterState(
                matrix(side, DType.F32, WIDTH, WIDTH),
                copy,
                dweight,
                matrix(side, DType.F32, WIDTH, WIDTH),
                matrix(side, DType.F32, WIDTH, WIDTH)));
        List<Tensor> gradients = List.of(dweight, dbias);
        Map<String, Runnable> steps = new LinkedHashMap<>();
        steps.put("embed", () -> k.embed(out, weight, ids, 1, Write.SET));
        steps.put("embedBackward", () -> k.embedBackward(dweight, y, ids, 1));
        steps.put("linear", () -> k.linear(out, x, weight, bias, Write.SET));
        steps.put("linearBackwardInput", () -> k.linearBackwardInput(out, y, weight, Write.ADD));
        steps.put("linearBackwardWeight", () -> k.linearBackwardWeight(dweight, dbias, y, x));
        steps.put("norm", () -> k.norm(out, statistics, x, bias, bias, norm));
        steps.put("addNorm", () -> k.addNorm(out, statistics, y, x, x, bias, bias, norm));
        steps.put("normBackward", () -> k.normBackward(out, dbias, dbias, y, x, statistics, bias, norm, Write.ADD));
        steps.put("rope", () -> k.rope(x, ids, table, rope));
        steps.put("ropeBackward", () -> k.ropeBackward(x, ids, table, rope));
        steps.put("attention", () -> k.attention(out, logSumExp, x, key, value, starts, attention));
        steps.put(
                "attentionBackward",
                () -> k.attentionBackward(y, dkey, dvalue, dout, out, logSumExp, x, key, value, starts, attention));
        steps.put("ffnActivation", () -> k.ffnActivation(out, x, y, scores, Activation.SILU, Gating.SOFT));
        steps.put(
                "ffnActivationBackward",
                () -> k.ffnActivationBackward(x, y, dscores, out, x, y, scores, Activation.GELU, Gating.SOFT));
        steps.put("routerScores", () -> k.routerScores(scores, x, router));
        steps.put("routerScoresBackward", () -> k.routerScoresBackward(dscores, dscores, scores));
        steps.put("routingLoss", () -> k.routingLoss(losses, dscores, scores, rowWeights, factors, routing));
        steps.put("crossEntropy", () -> k.crossEntropy(scalar, out, x, ids, rowWeights));
        steps.put("distillation", () -> k.distillation(scalar, out, x, y, rowWeights, 2, Write.SET));
        steps.put("addSquares", () -> k.addSquares(scalar, gradients));
        steps.put("clipFactor", () -> k.clipFactor(scalar, scalar, 1));
        steps.put("adamW", () -> k.adamW(states, scalar, losses, adamW));
        steps.put("fill", () -> k.fill(out, 0));
        steps.put("copy", () -> k.copy(out, x));
        return steps;
    }

    private static Tensor matrix(Side side, DType dtype, int rows, int columns) {
        float[] values = Values.normal(side.random(), rows * columns);
        return side.changing("matrix", dtype, values, rows, columns).tensor();
    }
}
