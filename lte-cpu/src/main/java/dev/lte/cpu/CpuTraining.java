package dev.lte.cpu;

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

/** Dispatch only, as {@link CpuQueue}: checks an operation of training and hands it to the kernel of its family. */
final class CpuTraining implements TrainingKernels {
    private final Function<Tensor, CpuTensor> owner;
    private final ProductKernel products;
    private final TrainingNormKernel norms;
    private final TrainingAttentionKernel attention;
    private final GatingKernel gatings;
    private final LossKernel losses;
    private final OptimizerKernel optimizer;
    private final TrainingRowKernel rows;
    private final TopKKernel topK;

    /** @param owner makes a tensor an ordinary one of the queue's backend that is in use, or throws */
    CpuTraining(WorkerPool pool, Function<Tensor, CpuTensor> owner) {
        this.owner = owner;
        products = new ProductKernel(pool);
        norms = new TrainingNormKernel(pool);
        attention = new TrainingAttentionKernel(pool);
        gatings = new GatingKernel(pool);
        losses = new LossKernel(pool);
        optimizer = new OptimizerKernel(pool);
        rows = new TrainingRowKernel(pool);
        topK = new TopKKernel(pool);
    }

    @Override
    public boolean supports(DType dtype) {
        return dtype == DType.F32 || dtype == DType.BF16;
    }

    @Override
    public void embed(Tensor out, Tensor table, Tensor ids, float scale, Write write) {
        TrainingChecks.embed(out, table, ids);
        rows.embed(own(out), own(table), own(ids), scale, adds(write));
    }

    @Override
    public void embedBackward(Tensor dtable, Tensor dout, Tensor ids, float scale) {
        TrainingChecks.embedBackward(dtable, dout, ids);
        rows.embedBackward(own(dtable), own(dout), own(ids), scale);
    }

    @Override
    public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Write write) {
        TrainingChecks.linear(out, x, weight, bias);
        products.forward(own(out), own(x), own(weight), maybe(bias), adds(write));
    }

    @Override
    public void linearBackwardInput(Tensor dx, Tensor dout, Tensor weight, Write write) {
        TrainingChecks.linearBackwardInput(dx, dout, weight);
        products.backwardInput(own(dx), own(dout), own(weight), adds(write));
    }

    @Override
    public void linearBackwardWeight(Tensor dweight, @Nullable Tensor dbias, Tensor dout, Tensor x) {
        TrainingChecks.linearBackwardWeight(dweight, dbias, dout, x);
        products.backwardWeight(own(dweight), own(dout), own(x));
        if (dbias != null) {
            rows.addRows(own(dbias), own(dout));
        }
    }

    @Override
    public void norm(Tensor out, Tensor statistics, Tensor x, Tensor weight, @Nullable Tensor bias, NormSpec spec) {
        TrainingChecks.norm(out, statistics, x, weight, bias);
        norms.forward(own(out), own(statistics), null, own(x), null, own(weight), maybe(bias), spec);
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
        norms.forward(own(out), own(statistics), own(sum), own(x), own(branch), own(weight), maybe(bias), spec);
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
        norms.backward(
                own(dx),
                own(dweight),
                maybe(dbias),
                own(dout),
                own(x),
                own(statistics),
                own(weight),
                spec,
                adds(write));
    }

    @Override
    public void rope(Tensor x, Tensor positions, Tensor table, RopeSpec spec) {
        TrainingChecks.rope(x, positions, table, spec);
        rows.rotate(own(x), own(positions), own(table), spec, false);
    }

    @Override
    public void ropeBackward(Tensor dx, Tensor positions, Tensor table, RopeSpec spec) {
        TrainingChecks.rope(dx, positions, table, spec);
        rows.rotate(own(dx), own(positions), own(table), spec, true);
    }

    @Override
    public void attention(
            Tensor out, Tensor logSumExp, Tensor q, Tensor k, Tensor v, Tensor starts, AttentionSpec spec) {
        TrainingChecks.attention(out, logSumExp, q, k, v, starts, spec);
        attention.forward(own(out), own(logSumExp), own(q), own(k), own(v), own(starts), spec);
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
        attention.backward(
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
        gatings.forward(own(hidden), maybe(gate), own(up), maybe(scores), activation, gating);
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
        gatings.backward(
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
        products.forward(own(scores), own(x), own(router), null, false);
        rows.sigmoid(own(scores));
    }

    @Override
    public void routerScoresBackward(Tensor dlogits, Tensor dscores, Tensor scores) {
        TrainingChecks.routerScoresBackward(dlogits, dscores, scores);
        rows.sigmoidBackward(own(dlogits), own(dscores), own(scores));
    }

    @Override
    public boolean supportsTopKScores() {
        return true;
    }

    @Override
    public void topKScores(Tensor scores, Tensor logits, TopKSpec spec, long seed) {
        TrainingChecks.topKScores(scores, logits, spec);
        topK.scores(own(scores), own(logits), spec, seed);
    }

    @Override
    public void topKScoresBackward(Tensor dlogits, Tensor dscores, Tensor scores, int k) {
        TrainingChecks.topKScoresBackward(dlogits, dscores, scores, k);
        topK.scoresBackward(own(dlogits), own(dscores), own(scores), k);
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
        this.losses.routing(own(losses), maybe(dscores), own(scores), own(rowWeights), maybe(factors), spec);
    }

    @Override
    public void crossEntropy(Tensor loss, @Nullable Tensor dlogits, Tensor logits, Tensor targets, Tensor rowWeights) {
        TrainingChecks.crossEntropy(loss, dlogits, logits, targets, rowWeights);
        losses.crossEntropy(own(loss), maybe(dlogits), own(logits), own(targets), own(rowWeights));
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
        losses.distillation(
                own(loss), own(dlogits), own(logits), own(teacher), own(rowWeights), temperature, adds(write));
    }

    @Override
    public void addSquares(Tensor sum, List<Tensor> tensors) {
        TrainingChecks.addSquares(sum, tensors);
        double squares = 0;
        for (int i = 0; i < tensors.size(); i++) {
            squares += optimizer.squares(own(tensors.get(i)));
        }
        CpuTensor to = own(sum);
        to.floats()[to.rowStart(0)] += (float) squares;
    }

    @Override
    public void clipFactor(Tensor factor, Tensor squares, float maxNorm) {
        TrainingChecks.clipFactor(factor, squares, maxNorm);
        CpuTensor to = own(factor);
        CpuTensor from = own(squares);
        to.floats()[to.rowStart(0)] = OptimizerKernel.clipFactor(from.floats()[from.rowStart(0)], maxNorm);
    }

    @Override
    public void adamW(List<ParameterState> parameters, Tensor factor, Tensor settings, AdamWSpec spec) {
        TrainingChecks.adamW(parameters, factor, settings);
        optimizer.begin(own(factor), own(settings), spec);
        for (int i = 0; i < parameters.size(); i++) {
            ParameterState state = parameters.get(i);
            optimizer.step(
                    own(state.master()),
                    maybe(state.copy()),
                    own(state.gradient()),
                    own(state.mean()),
                    own(state.square()));
        }
    }

    @Override
    public void fill(Tensor x, float value) {
        TrainingChecks.fill(x);
        rows.fill(own(x), value);
    }

    @Override
    public void copy(Tensor out, Tensor x) {
        TrainingChecks.copy(out, x);
        rows.copy(own(out), own(x));
    }

    private static boolean adds(Write write) {
        return Objects.requireNonNull(write) == Write.ADD;
    }

    private CpuTensor own(Tensor tensor) {
        return owner.apply(tensor);
    }

    private @Nullable CpuTensor maybe(@Nullable Tensor tensor) {
        return tensor == null ? null : own(tensor);
    }
}
