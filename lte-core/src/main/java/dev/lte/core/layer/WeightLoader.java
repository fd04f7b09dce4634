package dev.lte.core.layer;

import dev.lte.Progress;
import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.NormSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.quant.BlockFormats;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Brings the weights of a source to a backend. Vectors become F32. A matrix of a type that the backend does not take becomes
 * F16, which keeps more bits than any block type has, or F32 where the backend has no F16; one line in the log says so.
 */
final class WeightLoader {
    private static final System.Logger LOG = System.getLogger(WeightLoader.class.getName());

    private final ModelSource source;
    private final Backend backend;
    private final Consumer<Progress> progress;
    private final long totalBytes;
    private final Map<DType, DType> converted = new EnumMap<>(DType.class);
    private long doneBytes;
    private long parameters;
    private long weightBytes;

    WeightLoader(ModelSource source, Backend backend, long totalBytes, Consumer<Progress> progress) {
        this.source = source;
        this.backend = backend;
        this.totalBytes = totalBytes;
        this.progress = progress;
    }

    /** Number of weights brought so far. */
    long parameters() {
        return parameters;
    }

    /** Their bytes, in the types that the backend was given. */
    long weightBytes() {
        return weightBytes;
    }

    boolean has(WeightRole role, int layer) {
        return source.find(role, layer) != null;
    }

    Tensor matrix(WeightRole role, int layer) {
        return backend.weight(supported(source.get(role, layer)));
    }

    @Nullable
    Tensor matrixOrNull(WeightRole role, int layer) {
        return has(role, layer) ? matrix(role, layer) : null;
    }

    /** (1, columns) F32. */
    Tensor vector(WeightRole role, int layer) {
        return backend.weight(floats(source.get(role, layer)));
    }

    @Nullable
    Tensor vectorOrNull(WeightRole role, int layer) {
        return has(role, layer) ? vector(role, layer) : null;
    }

    @Nullable
    Norm normOrNull(WeightRole weight, @Nullable WeightRole bias, int layer, NormSpec spec) {
        if (!has(weight, layer)) {
            return null;
        }
        return new Norm(vector(weight, layer), bias == null ? null : vectorOrNull(bias, layer), spec);
    }

    Linear linear(WeightRole weight, WeightRole bias, int layer) {
        return new Linear(matrix(weight, layer), vectorOrNull(bias, layer));
    }

    /** Several projections of one input as one. A missing bias counts as zeros if another is there. */
    Linear stacked(List<WeightRole> weights, List<WeightRole> biases, int layer) {
        List<WeightData> parts = new ArrayList<>();
        for (WeightRole role : weights) {
            parts.add(supported(source.get(role, layer)));
        }
        Tensor bias = null;
        if (biases.stream().anyMatch(role -> has(role, layer))) {
            int total = parts.stream().mapToInt(WeightData::rows).sum();
            float[] values = new float[total];
            int at = 0;
            for (int i = 0; i < parts.size(); i++) {
                WeightData part = source.find(biases.get(i), layer);
                if (part != null) {
                    decode(part, values, at);
                }
                at += parts.get(i).rows();
            }
            bias = backend.weight(floats("bias of layer " + layer, values));
        }
        return new Linear(backend.weight(parts), bias);
    }

    FfnWeights ffn(FfnSpec spec, int layer) {
        return backend.ffn(new FfnData(
                spec,
                spec.gated() ? supported(source.get(WeightRole.GATE, layer)) : null,
                supported(source.get(WeightRole.UP, layer)),
                supported(source.get(WeightRole.DOWN, layer)),
                biasOrNull(WeightRole.UP_BIAS, layer),
                biasOrNull(WeightRole.DOWN_BIAS, layer)));
    }

    private @Nullable WeightData biasOrNull(WeightRole role, int layer) {
        WeightData bias = source.find(role, layer);
        return bias == null ? null : floats(bias);
    }

    /** As it is if the backend takes it, else in a type with no fewer bits. */
    private WeightData supported(WeightData weight) {
        DType dtype = weight.dtype();
        if (backend.supportsWeight(dtype)) {
            count(weight, weight.bytes().byteSize());
            return weight;
        }
        DType target = dtype.isQuantized() && backend.supportsWeight(DType.F16) ? DType.F16 : DType.F32;
        if (converted.put(dtype, target) == null) {
            LOG.log(
                    Level.INFO,
                    "{0}: backend {1} takes no {2}; such weights are converted to {3}, which needs more memory",
                    source.path(),
                    backend.name(),
                    dtype,
                    target);
        }
        WeightData result = convert(weight, target);
        count(weight, result.bytes().byteSize());
        return result;
    }

    /** The backend decides how long the bytes are needed; they are freed when nothing refers to them. */
    private static WeightData convert(WeightData weight, DType target) {
        MemorySegment bytes = Arena.ofAuto()
                .allocate(Math.multiplyExact((long) weight.rows(), target.byteSize(weight.columns())), 64);
        float[] row = new float[weight.columns()];
        for (int i = 0; i < weight.rows(); i++) {
            BlockFormats.decode(weight.dtype(), weight.bytes(), i * weight.rowBytes(), row, 0, row.length);
            BlockFormats.encode(target, row, 0, row.length, bytes, i * target.byteSize(row.length));
        }
        return new WeightData(weight.name(), target, weight.rows(), weight.columns(), bytes);
    }

    private WeightData floats(WeightData vector) {
        count(vector, 4L * vector.columns());
        float[] values = new float[vector.columns()];
        decode(vector, values, 0);
        return floats(vector.name(), values);
    }

    private static void decode(WeightData vector, float[] out, int start) {
        BlockFormats.decode(vector.dtype(), vector.bytes(), 0, out, start, vector.columns());
    }

    private static WeightData floats(String name, float[] values) {
        MemorySegment bytes = Arena.ofAuto().allocate(4L * values.length, 64);
        BlockFormats.encode(DType.F32, values, 0, values.length, bytes, 0);
        return new WeightData(name, DType.F32, 1, values.length, bytes);
    }

    private void count(WeightData weight, long bytes) {
        parameters += (long) weight.rows() * weight.columns();
        weightBytes += bytes;
        doneBytes += weight.bytes().byteSize();
        progress.accept(new Progress("loading weights", Math.min(doneBytes, totalBytes), totalBytes));
    }
}
