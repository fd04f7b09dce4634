package dev.lte.core.train;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.backend.Activation;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.Tensor;
import dev.lte.backend.TopKSpec;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.train.TrainingMemory.Rows;
import org.jspecify.annotations.Nullable;

/**
 * A feed-forward block with its router: {@code scores = sigmoid(router x)}, {@code hidden = act(gate x) * up x} scaled or masked
 * by the scores of the experts, {@code y = down hidden} (LTE, equations 1 to 3), and the losses of routing.
 *
 * <p>Kept: gate and up side by side, hidden, scores. The backward pass overwrites gate and up with their gradients.
 */
final class FfnBranch implements Branch {
    /** Gradients that all layers share. */
    record Shared(
            Rows dhidden, @Nullable Rows dscores, @Nullable Rows dlogits) {
        static Shared of(ModelConfig config, TrainingMemory memory) {
            boolean routed = config.experts() > 0;
            boolean rounded = memory.activationType() != DType.F32;
            Rows dscores = routed ? memory.exact(config.experts()) : null;
            return new Shared(
                    memory.activation(config.ffn()),
                    dscores,
                    routed && rounded ? memory.activation(config.experts()) : dscores);
        }
    }

    private final TrainableLinear input;
    private final TrainableLinear down;
    private final @Nullable TrainableLinear router;
    private final Activation activation;
    private final boolean gated;
    private final int ffn;
    private final Rows projected;
    private final Rows hidden;
    private final @Nullable Rows scores;
    private final Tensor losses;
    private final Shared shared;
    private final int layer;
    private final @Nullable TopKSpec topK;

    /**
     * @param losses (1, 3) of this layer, accumulated
     * @param topK of noisy top-k routers; null for those of LTE
     */
    FfnBranch(
            ModelConfig config,
            int layer,
            Parameters parameters,
            TrainingMemory memory,
            Tensor losses,
            Shared shared,
            @Nullable TopKSpec topK) {
        this.layer = layer;
        this.topK = topK;
        gated = config.gated();
        ffn = config.ffn();
        activation = config.activation();
        input = gated
                ? new TrainableLinear(parameters.add(layer, GATE, UP), null)
                : new TrainableLinear(parameters.add(layer, UP), parameters.find(layer, UP_BIAS));
        if (gated && parameters.find(layer, UP_BIAS) != null) {
            throw new IllegalArgumentException("a gated feed-forward block with a bias cannot be trained");
        }
        down = new TrainableLinear(parameters.add(layer, DOWN), parameters.find(layer, DOWN_BIAS));
        Parameter routing = config.experts() == 0 ? null : parameters.add(layer, ROUTER);
        router = routing == null ? null : new TrainableLinear(routing, null);
        projected = memory.activation(gated ? 2 * ffn : ffn);
        hidden = memory.activation(ffn);
        scores = routing == null ? null : memory.exact(config.experts());
        this.losses = losses;
        this.shared = shared;
    }

    private @Nullable Tensor gate(Tensor rows) {
        return gated ? rows.columnRange(0, ffn) : null;
    }

    private Tensor up(Tensor rows) {
        return gated ? rows.columnRange(ffn, 2 * ffn) : rows;
    }

    /** The scores of the last forward pass (T, N). */
    @Nullable
    Tensor scores(TrainingPass pass) {
        return scores == null || !pass.isRouted() ? null : scores.of(pass);
    }

    /** What the down projection multiplied in the last forward pass (T, F). */
    Tensor hidden(TrainingPass pass) {
        return hidden.of(pass);
    }

    @Override
    public void forward(TrainingPass pass, Tensor y, Tensor x) {
        TrainingKernels kernels = pass.kernels();
        Tensor in = projected.of(pass);
        input.forward(kernels, in, x);
        Tensor score = scores(pass);
        if (score != null && router != null) {
            score(pass, score, x, router.weight().value());
            if (!differentiatesScores(pass)) {
                kernels.routingLoss(losses, null, score, pass.routingWeights(), null, pass.routing());
            }
        } else if (pass.isRouted()) {
            throw new IllegalStateException("expected a model with routers for gating " + pass.gating());
        }
        kernels.ffnActivation(hidden.of(pass), gate(in), up(in), score, activation, pass.gating());
        down.forward(kernels, y, hidden.of(pass));
    }

    private void score(TrainingPass pass, Tensor score, Tensor x, Tensor weight) {
        TrainingKernels kernels = pass.kernels();
        if (topK == null) {
            kernels.routerScores(score, x, weight);
            return;
        }
        kernels.linear(score, x, weight, null, Write.SET);
        // Layers apart, and passes of a step as well, which count up.
        long seed = pass.noise() + layer * 0x632BE59BD9B4E019L;
        kernels.topKScores(score, score, pass.backward() ? topK : topK.withoutNoise(), seed);
    }

    /** The losses of routing are added where their gradients are, and only there. */
    private boolean differentiatesScores(TrainingPass pass) {
        return pass.backward()
                && pass.gating().mode() != Gating.Mode.HARD
                && pass.factors() != null
                && router != null
                && router.weight().isTrained();
    }

    @Override
    public void backward(TrainingPass pass, Tensor dx, Tensor dy, Tensor x, Write write) {
        TrainingKernels kernels = pass.kernels();
        Tensor in = projected.of(pass);
        Tensor dhidden = shared.dhidden().of(pass);
        down.backward(kernels, dhidden, dy, hidden.of(pass), Write.SET);
        Tensor score = scores(pass);
        Rows dscoreRows = shared.dscores();
        Rows dlogitRows = shared.dlogits();
        boolean routes = pass.isRouted() && pass.gating().mode() != Gating.Mode.HARD;
        Tensor dscores = routes && dscoreRows != null ? dscoreRows.of(pass) : null;
        kernels.ffnActivationBackward(
                gate(in), up(in), dscores, dhidden, gate(in), up(in), score, activation, pass.gating());
        input.backward(kernels, dx, in, x, write);
        if (dscores != null && dlogitRows != null && score != null && router != null) {
            if (differentiatesScores(pass)) {
                kernels.routingLoss(losses, dscores, score, pass.routingWeights(), pass.factors(), pass.routing());
            }
            Tensor dlogits = dlogitRows.of(pass);
            if (topK == null) {
                kernels.routerScoresBackward(dlogits, dscores, score);
            } else {
                kernels.topKScoresBackward(dlogits, dscores, score, topK.k());
            }
            router.backward(kernels, dx, dlogits, x, Write.ADD);
        }
    }
}
