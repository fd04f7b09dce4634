package dev.lte.core.reference;

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
import dev.lte.backend.TopKSpec;
import dev.lte.backend.TrainingChecks;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Checks every operation of training and hands it to its family, which has run when the call returns. */
final class ReferenceTraining implements TrainingKernels {
    private final Function<Tensor, ReferenceTensor> owner;

    /** @param owner makes a tensor one of the backend's that is in use, or throws */
    ReferenceTraining(Function<Tensor, ReferenceTensor> owner) {
        this.owner = owner;
    }

    @Override
    public boolean supports(DType dtype) {
        return dtype == DType.F32 || dtype == DType.BF16;
    }

    @Override
    public void embed(Tensor out, Tensor table, Tensor ids, float scale, Write write) {
        TrainingChecks.embed(out, table, ids);
        ReferenceRows.embed(own(out), own(table), own(ids), scale, Objects.requireNonNull(write));
    }

    @Override
    public void embedBackward(Tensor dtable, Tensor dout, Tensor ids, float scale) {
        TrainingChecks.embedBackward(dtable, dout, ids);
        ReferenceRows.embedBackward(own(dtable), own(dout), own(ids), scale);
    }

    @Override
    public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Write write) {
        TrainingChecks.linear(out, x, weight, bias);
        ReferenceLinear.linear(own(out), own(x), own(weight), maybe(bias), Objects.requireNonNull(write));
    }

    @Override
    public void linearBackwardInput(Tensor dx, Tensor dout, Tensor weight, Write write) {
        TrainingChecks.linearBackwardInput(dx, dout, weight);
        ReferenceLinear.backwardInput(own(dx), own(dout), own(weight), Objects.requireNonNull(write));
    }

    @Override
    public void linearBackwardWeight(Tensor dweight, @Nullable Tensor dbias, Tensor dout, Tensor x) {
        TrainingChecks.linearBackwardWeight(dweight, dbias, dout, x);
        ReferenceLinear.backwardWeight(own(dweight), maybe(dbias), own(dout), own(x));
    }

    @Override
    public void norm(Tensor out, Tensor statistics, Tensor x, Tensor weight, @Nullable Tensor bias, NormSpec spec) {
        TrainingChecks.norm(out, statistics, x, weight, bias);
        ReferenceNorm.norm(own(out), own(statistics), own(x), own(weight), maybe(bias), spec);
    }

    @Override
    public void addNorm(
            Tensor out,
            Tensor statistics,
            Tensor sum,
            Tensor x,
            Tensor branch,
            Tensor weight,
            @Nullable Tensor bias,
            NormSpec spec) {
        TrainingChecks.addNorm(out, statistics, sum, x, branch, weight, bias);
        ReferenceRows.sum(own(sum), own(x), own(branch));
        ReferenceNorm.norm(own(out), own(statistics), own(sum), own(weight), maybe(bias), spec);
    }

    @Override
    public void normBackward(
            Tensor dx,
            Tensor dweight,
            @Nullable Tensor dbias,
            Tensor dout,
            Tensor x,
            Tensor statistics,
            Tensor weight,
            NormSpec spec,
            Write write) {
        TrainingChecks.normBackward(dx, dweight, dbias, dout, x, statistics, weight);
        ReferenceNorm.backward(
                own(dx),
                own(dweight),
                maybe(dbias),
                own(dout),
                own(x),
                own(statistics),
                own(weight),
                spec,
                Objects.requireNonNull(write));
    }

    @Override
    public void rope(Tensor x, Tensor positions, Tensor table, RopeSpec spec) {
        TrainingChecks.rope(x, positions, table, spec);
        ReferenceRope.rope(own(x), own(positions), own(table), spec);
    }

    @Override
    public void ropeBackward(Tensor dx, Tensor positions, Tensor table, RopeSpec spec) {
        TrainingChecks.rope(dx, positions, table, spec);
        ReferenceRope.backward(own(dx), own(positions), own(table), spec);
    }

    @Override
    public void attention(
            Tensor out, Tensor logSumExp, Tensor q, Tensor k, Tensor v, Tensor starts, AttentionSpec spec) {
        TrainingChecks.attention(out, logSumExp, q, k, v, starts, spec);
        ReferenceTrainingAttention.forward(own(out), own(logSumExp), own(q), own(k), own(v), own(starts), spec);
    }

    @Override
    public void attentionBackward(
            Tensor dq,
            Tensor dk,
            Tensor dv,
            Tensor dout,
            Tensor out,
            Tensor logSumExp,
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor starts,
            AttentionSpec spec) {
        TrainingChecks.attentionBackward(dq, dk, dv, dout, out, logSumExp, q, k, v, starts, spec);
        ReferenceTrainingAttention.backward(
                own(dq),
                own(dk),
                own(dv),
                own(dout),
                own(out),
                own(logSumExp),
                own(q),
                own(k),
                own(v),
                own(starts),
                spec);
    }

    @Override
    public void ffnActivation(
            Tensor hidden,
            @Nullable Tensor gate,
            Tensor up,
            @Nullable Tensor scores,
            Activation activation,
            Gating gating) {
        TrainingChecks.ffnActivation(hidden, gate, up, scores, gating);
        ReferenceGating.forward(own(hidden), maybe(gate), own(up), maybe(scores), activation, gating);
    }

    @Override
    public void ffnActivationBackward(
            @Nullable Tensor dgate,
            Tensor dup,
            @Nullable Tensor dscores,
            Tensor dhidden,
            @Nullable Tensor gate,
            Tensor up,
            @Nullable Tensor scores,
            Activation activation,
            Gating gating) {
        TrainingChecks.ffnActivationBackward(dgate, dup, dscores, dhidden, gate, up, scores, gating);
        ReferenceGating.backward(
                maybe(dgate),
                own(dup),
                maybe(dscores),
                own(dhidden),
                maybe(gate),
                own(up),
                maybe(scores),
                activation,
                gating);
    }

    @Override
    public void routerScores(Tensor scores, Tensor x, Tensor router) {
        TrainingChecks.routerScores(scores, x, router);
        ReferenceLinear.routerScores(own(scores), own(x), own(router));
    }

    @Override
    public void routerScoresBackward(Tensor dlogits, Tensor dscores, Tensor scores) {
        TrainingChecks.routerScoresBackward(dlogits, dscores, scores);
        ReferenceLinear.routerScoresBackward(own(dlogits), own(dscores), own(scores));
    }

    @Override
    public boolean supportsTopKScores() {
        return true;
    }

    @Override
    public void topKScores(Tensor scores, Tensor logits, TopKSpec spec, long seed) {
        TrainingChecks.topKScores(scores, logits, spec);
        ReferenceTopK.scores(own(scores), own(logits), spec, seed);
    }

    @Override
    public void topKScoresBackward(Tensor dlogits, Tensor dscores, Tensor scores, int k) {
        TrainingChecks.topKScoresBackward(dlogits, dscores, scores, k);
        ReferenceTopK.scoresBackward(own(dlogits), own(dscores), own(scores), k);
    }

    @Override
    public void routingLoss(
            Tensor losses,
            @Nullable Tensor dscores,
            Tensor scores,
            Tensor rowWeights,
            @Nullable Tensor factors,
            RoutingLossSpec spec) {
        TrainingChecks.routingLoss(losses, dscores, scores, rowWeights, factors);
        ReferenceLosses.routing(own(losses), maybe(dscores), own(scores), own(rowWeights), maybe(factors), spec);
    }

    @Override
    public void crossEntropy(Tensor loss, @Nullable Tensor dlogits, Tensor logits, Tensor targets, Tensor rowWeights) {
        TrainingChecks.crossEntropy(loss, dlogits, logits, targets, rowWeights);
        ReferenceLosses.crossEntropy(own(loss), maybe(dlogits), own(logits), own(targets), own(rowWeights));
    }

    @Override
    public void distillation(
            Tensor loss,
            Tensor dlogits,
            Tensor logits,
            Tensor teacher,
            Tensor rowWeights,
            float temperature,
            Write write) {
        TrainingChecks.distillation(loss, dlogits, logits, teacher, rowWeights, temperature);
        ReferenceLosses.distillation(
                own(loss),
                own(dlogits),
                own(logits),
                own(teacher),
                own(rowWeights),
                temperature,
                Objects.requireNonNull(write));
    }

    @Override
    public void addSquares(Tensor sum, List<Tensor> tensors) {
        TrainingChecks.addSquares(sum, tensors);
        ReferenceOptimizer.addSquares(own(sum), tensors.stream().map(this::own).toList());
    }

    @Override
    public void clipFactor(Tensor factor, Tensor squares, float maxNorm) {
        TrainingChecks.clipFactor(factor, squares, maxNorm);
        ReferenceOptimizer.clipFactor(own(factor), own(squares), maxNorm);
    }

    @Override
    public void adamW(List<ParameterState> parameters, Tensor factor, Tensor settings, AdamWSpec spec) {
        TrainingChecks.adamW(parameters, factor, settings);
        for (ParameterState state : parameters) {
            ReferenceOptimizer.adamW(
                    own(state.master()),
                    maybe(state.copy()),
                    own(state.gradient()),
                    own(state.mean()),
                    own(state.square()),
                    own(factor),
                    own(settings),
                    spec);
        }
    }

    @Override
    public void fill(Tensor x, float value) {
        TrainingChecks.fill(x);
        ReferenceRows.fill(own(x), value);
    }

    @Override
    public void copy(Tensor out, Tensor x) {
        TrainingChecks.copy(out, x);
        ReferenceRows.copy(own(out), own(x));
    }

    private ReferenceTensor own(Tensor tensor) {
        return owner.apply(tensor);
    }

    private @Nullable ReferenceTensor maybe(@Nullable Tensor tensor) {
        return tensor == null ? null : own(tensor);
    }
}
