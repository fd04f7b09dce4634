package dev.lte.core.train;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.train.TrainingMemory.Rows;
import org.jspecify.annotations.Nullable;

/**
 * Attention: {@code qkv = W x}, norms per head where a model has them, rotation, weighted values, output projection.
 *
 * <p>Kept: queries, keys and values as attention used them, its output and log-sum-exp; with norms per head also queries and keys
 * before those.
 */
final class AttentionBranch implements Branch {
    /** Gradients that all layers share. */
    record Shared(Rows dattended, Rows dqkv, Rows dqueryKey) {
        static Shared of(ModelConfig config, TrainingMemory memory) {
            int queries = config.heads() * config.headSize();
            int keys = config.keyValueHeads() * config.headSize();
            return new Shared(
                    memory.activation(queries),
                    memory.activation(queries + 2 * keys),
                    memory.activation(queries + keys));
        }
    }

    private final TrainableLinear qkv;
    private final TrainableLinear output;
    private final @Nullable TrainableNorm queryNorm;
    private final @Nullable TrainableNorm keyNorm;
    private final @Nullable Rotation rotation;
    private final AttentionSpec spec;
    private final int queryColumns;
    private final int keyColumns;
    private final Rows projected;
    private final Rows normed;
    private final Rows attended;
    private final Rows logSumExp;
    private final Shared shared;

    /**
     * @param table (positions, rotated)
     */
    record Rotation(Tensor table, RopeSpec spec) {}

    AttentionBranch(
            ModelConfig config,
            int layer,
            Parameters parameters,
            TrainingMemory memory,
            @Nullable Rotation rotation,
            Shared shared) {
        qkv = new TrainableLinear(
                parameters.add(layer, QUERY, KEY, VALUE), parameters.find(layer, QUERY_BIAS, KEY_BIAS, VALUE_BIAS));
        output = new TrainableLinear(
                parameters.add(layer, ATTENTION_OUTPUT), parameters.find(layer, ATTENTION_OUTPUT_BIAS));
        NormSpec headNorm = new NormSpec(
                NormSpec.Kind.RMS, config.norm().epsilon(), config.norm().weightOffset());
        queryNorm = TrainableNorm.find(parameters, memory, QUERY_NORM, null, layer, config.heads(), headNorm);
        keyNorm = TrainableNorm.find(parameters, memory, KEY_NORM, null, layer, config.keyValueHeads(), headNorm);
        this.rotation = rotation;
        spec = new AttentionSpec(
                config.heads(),
                config.keyValueHeads(),
                config.headSize(),
                config.attentionScale(),
                config.causal(),
                config.layers().get(layer).window(),
                config.attentionSoftcap());
        queryColumns = config.heads() * config.headSize();
        keyColumns = config.keyValueHeads() * config.headSize();
        projected = memory.activation(queryColumns + 2 * keyColumns);
        normed = queryNorm == null && keyNorm == null ? projected : memory.activation(queryColumns + keyColumns);
        attended = memory.activation(queryColumns);
        logSumExp = memory.exact(config.heads());
        this.shared = shared;
    }

    private Tensor queries(Tensor rows) {
        return rows.columnRange(0, queryColumns);
    }

    private Tensor keys(Tensor rows) {
        return rows.columnRange(queryColumns, queryColumns + keyColumns);
    }

    private Tensor queriesAndKeys(Tensor rows) {
        return rows.columnRange(0, queryColumns + keyColumns);
    }

    private Tensor values(Tensor rows) {
        return rows.columnRange(queryColumns + keyColumns, queryColumns + 2 * keyColumns);
    }

    @Override
    public void forward(TrainingPass pass, Tensor y, Tensor x) {
        TrainingKernels kernels = pass.kernels();
        Tensor raw = projected.of(pass);
        Tensor used = normed.of(pass);
        qkv.forward(kernels, raw, x);
        if (normed != projected) {
            forwardNorm(pass, queryNorm, queries(used), queries(raw));
            forwardNorm(pass, keyNorm, keys(used), keys(raw));
        }
        if (rotation != null) {
            kernels.rope(queriesAndKeys(used), pass.positions(), rotation.table(), rotation.spec());
        }
        kernels.attention(
                attended.of(pass), logSumExp.of(pass), queries(used), keys(used), values(raw), pass.starts(), spec);
        output.forward(kernels, y, attended.of(pass));
    }

    private static void forwardNorm(TrainingPass pass, @Nullable TrainableNorm norm, Tensor out, Tensor x) {
        if (norm == null) {
            pass.kernels().copy(out, x);
        } else {
            norm.forward(pass, out, x);
        }
    }

    @Override
    public void backward(TrainingPass pass, Tensor dx, Tensor dy, Tensor x, Write write) {
        TrainingKernels kernels = pass.kernels();
        Tensor dattended = shared.dattended().of(pass);
        Tensor dqkv = shared.dqkv().of(pass);
        Tensor raw = projected.of(pass);
        Tensor used = normed.of(pass);
        output.backward(kernels, dattended, dy, attended.of(pass), Write.SET);
        boolean norms = normed != projected;
        Tensor dused = norms ? shared.dqueryKey().of(pass) : dqkv;
        kernels.attentionBackward(
                queries(dused),
                keys(dused),
                values(dqkv),
                dattended,
                attended.of(pass),
                logSumExp.of(pass),
                queries(used),
                keys(used),
                values(raw),
                pass.starts(),
                spec);
        if (rotation != null) {
            kernels.ropeBackward(queriesAndKeys(dused), pass.positions(), rotation.table(), rotation.spec());
        }
        if (norms) {
            backwardNorm(pass, queryNorm, queries(dqkv), queries(dused), queries(raw));
            backwardNorm(pass, keyNorm, keys(dqkv), keys(dused), keys(raw));
        }
        qkv.backward(kernels, dx, dqkv, x, write);
    }

    private static void backwardNorm(
            TrainingPass pass, @Nullable TrainableNorm norm, Tensor dx, Tensor dout, Tensor x) {
        if (norm == null) {
            pass.kernels().copy(dx, dout);
        } else {
            norm.backward(pass, dx, dout, x, Write.SET);
        }
    }
}
