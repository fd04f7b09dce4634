package dev.lte.core.train;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.train.TrainingMemory.Rows;
import org.jspecify.annotations.Nullable;

/** Token embeddings, scaled, plus those of positions and of the token type where a model has them, normalised where it does so. */
final class EmbeddingLayer {
    private final Parameter tokens;
    private final @Nullable Parameter positions;
    private final @Nullable Parameter types;
    private final @Nullable TrainableNorm norm;
    private final @Nullable Rows sum;
    private final float scale;

    EmbeddingLayer(ModelConfig config, Parameters parameters, TrainingMemory memory) {
        tokens = parameters.add(0, TOKEN_EMBEDDING);
        positions = parameters.find(0, POSITION_EMBEDDING);
        types = parameters.find(0, TOKEN_TYPE_EMBEDDING);
        norm = TrainableNorm.find(parameters, memory, EMBEDDING_NORM, EMBEDDING_NORM_BIAS, 0, 1, config.norm());
        sum = norm == null ? null : memory.exact(config.model());
        scale = config.embeddingScale();
    }

    Parameter tokens() {
        return tokens;
    }

    /** @param x (T, D), overwritten */
    void forward(TrainingPass pass, Tensor x) {
        TrainingKernels kernels = pass.kernels();
        Tensor to = sum == null ? x : sum.of(pass);
        kernels.embed(to, tokens.value(), pass.ids(), scale, Write.SET);
        if (positions != null) {
            kernels.embed(to, positions.value(), pass.positionIds(), 1, Write.ADD);
        }
        if (types != null) {
            kernels.embed(to, types.value(), pass.typeIds(), 1, Write.ADD);
        }
        if (norm != null) {
            norm.forward(pass, x, to);
        }
    }

    /** @param dx (T, D) F32, changed */
    void backward(TrainingPass pass, Tensor dx) {
        TrainingKernels kernels = pass.kernels();
        if (norm != null && sum != null) {
            norm.backward(pass, dx, dx, sum.of(pass), Write.SET);
        }
        kernels.embedBackward(tokens.gradient(), dx, pass.ids(), scale);
        if (positions != null) {
            kernels.embedBackward(positions.gradient(), dx, pass.positionIds(), 1);
        }
        if (types != null) {
            kernels.embedBackward(types.gradient(), dx, pass.typeIds(), 1);
        }
    }
}
