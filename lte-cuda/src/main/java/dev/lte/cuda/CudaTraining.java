package dev.lte.cuda;

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
import dev.lte.backend.TrainingChecks;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.jspecify.annotations.Nullable;

/** Checks every operation of training and enqueues the kernels of its family. Closed with its queue. */
final class CudaTraining implements TrainingKernels, AutoCloseable {
    private final CudaQueue queue;
    private final CudaBlas blas;
    private final BiasedProducts biased;
    private final CudaScratch scratch;
    private final TrainingLaunch kernels;
    private final TrainingProducts products;
    private final TrainingRows rows;
    private final TrainingNorms norms;
    private final TrainingAttention attention;
    private final TrainingNeurons neurons;
    private final TrainingLosses losses;
    private final TrainingOptimizer optimizer;

    /** The context is current. */
    CudaTraining(CudaQueue queue, CudaBackend backend, CUstream_st stream) {
        this.queue = queue;
        TrainingModules modules = backend.training();
        CudaModule module = modules.module();
        blas = new CudaBlas(backend.memory(), stream);
        scratch = new CudaScratch(backend.memory());
        kernels = new TrainingLaunch(module, stream, scratch);
        biased = new BiasedProducts(blas, stream);
        products = new TrainingProducts(kernels, blas, biased);
        rows = new TrainingRows(kernels);
        norms = new TrainingNorms(kernels);
        attention = new TrainingAttention(kernels, modules);
        neurons = new TrainingNeurons(kernels);
        losses = new TrainingLosses(kernels);
        optimizer = new TrainingOptimizer(kernels);
    }

    @Override
    public boolean supports(DType dtype) {
        return dtype == DType.F32 || dtype == DType.BF16;
    }

    @Override
    public void embed(Tensor out, Tensor table, Tensor ids, float scale, Write write) {
        TrainingChecks.embed(out, table, ids);
        boolean add = adds(write);
        enqueue(out, () -> rows.embed(own(out), own(table), own(ids), scale, add));
    }

    @Override
    public void embedBackward(Tensor dtable, Tensor dout, Tensor ids, float scale) {
        TrainingChecks.embedBackward(dtable, dout, ids);
        enqueue(dtable, () -> rows.embedBackward(own(dtable), own(dout), own(ids), scale));
    }

    @Override
    public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Write write) {
        TrainingChecks.linear(out, x, weight, bias);
        boolean add = adds(write);
        enqueue(out, () -> products.linear(own(out), own(x), own(weight), maybe(bias), add));
    }

    @Override
    public void linearBackwardInput(Tensor dx, Tensor dout, Tensor weight, Write write) {
        TrainingChecks.linearBackwardInput(dx, dout, weight);
        boolean add = adds(write);
        enqueue(dx, () -> products.backwardInput(own(dx), own(dout), own(weight), add));
    }

    @Override
    public void linearBackwardWeight(Tensor dweight, @Nullable Tensor dbias, Tensor dout, Tensor x) {
        TrainingChecks.linearBackwardWeight(dweight, dbias, dout, x);
        enqueue(() -> products.backwardWeight(own(dweight), maybe(dbias), own(dout), own(x)));
    }

    @Override
    public void norm(Tensor out, Tensor statistics, Tensor x, Tensor weight, @Nullable Tensor bias, NormSpec spec) {
        TrainingChecks.norm(out, statistics, x, weight, bias);
        enqueue(
                out,
                () -> norms.forward(own(out), own(statistics), null, own(x), null, own(weight), maybe(bias), spec));
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
        enqueue(
                out,
                () -> norms.forward(
                        own(out), own(statistics), own(sum), own(x), own(branch), own(weight), maybe(bias), spec));
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
        boolean add = adds(write);
        enqueue(
                dx,
                () -> norms.backward(
                        own(dx),
                        own(dweight),
                        maybe(dbias),
                        own(dout),
                        own(x),
                        own(statistics),
                        own(weight),
                        spec,
                        add));
    }

    @Override
    public void rope(Tensor x, Tensor positions, Tensor table, RopeSpec spec) {
        TrainingChecks.rope(x, positions, table, spec);
        enqueue(x, () -> rows.rope(own(x), own(positions), own(table), spec, 1));
    }

    @Override
    public void ropeBackward(Tensor dx, Tensor positions, Tensor table, RopeSpec spec) {
        TrainingChecks.rope(dx, positions, table, spec);
        enqueue(dx, () -> rows.rope(own(dx), own(positions), own(table), spec, -1));
    }

    @Override
    public void attention(
            Tensor out, Tensor logSumExp, Tensor q, Tensor k, Tensor v, Tensor starts, AttentionSpec spec) {
        TrainingChecks.attention(out, logSumExp, q, k, v, starts, spec);
        enqueue(out, () -> attention.forward(own(out), own(logSumExp), own(q), own(k), own(v), own(starts), spec));
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
        enqueue(
                dq,
                () -> attention.backward(
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
                        spec));
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
        enqueue(hidden, () -> neurons.forward(own(hidden), maybe(gate), own(up), maybe(scores), activation, gating));
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
        enqueue(
                dup,
                () -> neurons.backward(
                        maybe(dgate),
                        own(dup),
                        maybe(dscores),
                        own(dhidden),
                        maybe(gate),
                        own(up),
                        maybe(scores),
                        activation,
                        gating));
    }

    @Override
    public void routerScores(Tensor scores, Tensor x, Tensor router) {
        TrainingChecks.routerScores(scores, x, router);
        enqueue(scores, () -> products.routerScores(own(scores), own(x), own(router)));
    }

    @Override
    public void routerScoresBackward(Tensor dlogits, Tensor dscores, Tensor scores) {
        TrainingChecks.routerScoresBackward(dlogits, dscores, scores);
        enqueue(dlogits, () -> products.routerScoresBackward(own(dlogits), own(dscores), own(scores)));
    }

    @Override
    public void routingLoss(
            Tensor totals,
            @Nullable Tensor dscores,
            Tensor scores,
            Tensor rowWeights,
            @Nullable Tensor factors,
            RoutingLossSpec spec) {
        TrainingChecks.routingLoss(totals, dscores, scores, rowWeights, factors);
        enqueue(() -> losses.routing(own(totals), maybe(dscores), own(scores), own(rowWeights), maybe(factors), spec));
    }

    @Override
    public void crossEntropy(Tensor loss, @Nullable Tensor dlogits, Tensor logits, Tensor targets, Tensor rowWeights) {
        TrainingChecks.crossEntropy(loss, dlogits, logits, targets, rowWeights);
        enqueue(() -> losses.crossEntropy(own(loss), maybe(dlogits), own(logits), own(targets), own(rowWeights)));
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
        boolean add = adds(write);
        enqueue(() -> losses.distillation(
                own(loss), own(dlogits), own(logits), own(teacher), own(rowWeights), temperature, add));
    }

    @Override
    public void addSquares(Tensor sum, List<Tensor> tensors) {
        TrainingChecks.addSquares(sum, tensors);
        enqueue(() ->
                optimizer.addSquares(own(sum), tensors.stream().map(this::own).toList()));
    }

    @Override
    public void clipFactor(Tensor factor, Tensor squares, float maxNorm) {
        TrainingChecks.clipFactor(factor, squares, maxNorm);
        enqueue(() -> optimizer.clipFactor(own(factor), own(squares), maxNorm));
    }

    @Override
    public void adamW(List<ParameterState> parameters, Tensor factor, Tensor settings, AdamWSpec spec) {
        TrainingChecks.adamW(parameters, factor, settings);
        enqueue(() -> {
            List<TrainingOptimizer.State> states = new ArrayList<>(parameters.size());
            for (ParameterState state : parameters) {
                states.add(new TrainingOptimizer.State(
                        own(state.master()),
                        maybe(state.copy()),
                        own(state.gradient()),
                        own(state.mean()),
                        own(state.square())));
            }
            optimizer.adamW(states, own(factor), own(settings), spec);
        });
    }

    @Override
    public void fill(Tensor x, float value) {
        TrainingChecks.fill(x);
        enqueue(x, () -> kernels.fill(own(x), value));
    }

    @Override
    public void copy(Tensor out, Tensor x) {
        TrainingChecks.copy(out, x);
        enqueue(out, () -> rows.copy(own(out), own(x)));
    }

    private void enqueue(Runnable operation) {
        queue.enqueue(() -> {
            operation.run();
            queue.afterOther();
        });
    }

    /** As above, unless the output has no elements. */
    private void enqueue(Tensor out, Runnable operation) {
        queue.enqueue(out, () -> {
            operation.run();
            queue.afterOther();
        });
    }

    private static boolean adds(Write write) {
        return Objects.requireNonNull(write) == Write.ADD;
    }

    private CudaTensor own(Tensor tensor) {
        return queue.own(tensor);
    }

    private @Nullable CudaTensor maybe(@Nullable Tensor tensor) {
        return tensor == null ? null : queue.own(tensor);
    }

    /** The stream has run and the context is current. */
    @Override
    public void close() {
        biased.close();
        blas.close();
        optimizer.close();
        kernels.close();
        scratch.free();
    }
}
