package dev.lte.core.convert;

import dev.lte.UnsupportedModelException;
import dev.lte.backend.DType;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Rope;
import dev.lte.core.format.TensorBody;
import dev.lte.core.format.gguf.GgufWriter;
import dev.lte.core.source.Family;
import dev.lte.core.source.GgufKeys;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes rotations as GGUF has them: a base, a factor that divides all angles, and for anything else a divisor of each pair
 * in the tensor that llama.cpp reads for the family.
 */
final class GgufRopeWriter {
    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final List<Divisors> divisors = new ArrayList<>();

    /** A tensor of divisors, F32. */
    record Divisors(String name, float[] values) {
        GgufWriter.Entry entry() {
            ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(values);
            TensorBody body = TensorBody.of(MemorySegment.ofBuffer(bytes));
            return new GgufWriter.Entry(name, DType.F32, List.of((long) values.length), body);
        }
    }

    /** Keys without the architecture's name in front. */
    Map<String, Object> metadata() {
        return metadata;
    }

    List<Divisors> divisors() {
        return divisors;
    }

    GgufRopeWriter(ModelConfig config, Family family) {
        if (config.ropes().isEmpty()) {
            return;
        }
        Rope full = config.ropes().getFirst();
        metadata.put(GgufKeys.ROTATED, 2L * full.inverseFrequencies().size());
        Geometric geometric = Geometric.of(full.inverseFrequencies());
        if (geometric != null) {
            metadata.put(GgufKeys.THETA, geometric.theta());
            if (geometric.factor() != 1) {
                metadata.put(GgufKeys.SCALING, "linear");
                metadata.put(GgufKeys.SCALING_FACTOR, geometric.factor());
            }
        } else {
            divide(full.inverseFrequencies(), family, config.contextLength());
        }
        if (full.magnitude() != 1) {
            metadata.put(GgufKeys.MAGNITUDE, (float) full.magnitude());
        }
        if (config.ropes().size() > 1) {
            Geometric sliding = Geometric.of(config.ropes().get(1).inverseFrequencies());
            if (sliding == null
                    || sliding.factor() != 1
                    || config.ropes().get(1).magnitude() != 1) {
                throw new UnsupportedModelException(
                        "GGUF has no place for a stretched rotation of sliding layers",
                        "convert to safetensors instead");
            }
            metadata.put(GgufKeys.THETA_SLIDING, sliding.theta());
        }
    }

    private void divide(List<Double> frequencies, Family family, int context) {
        float theta = Geometric.base(frequencies);
        metadata.put(GgufKeys.THETA, theta);
        int rotated = 2 * frequencies.size();
        float[] values = new float[frequencies.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (Math.pow(theta, -2.0 * i / rotated) / frequencies.get(i));
        }
        if (family == Family.PHI3) {
            metadata.put(GgufKeys.ORIGINAL_CONTEXT, (long) context);
            divisors.add(new Divisors(GgufKeys.LONG_DIVISORS, values));
            divisors.add(new Divisors(GgufKeys.SHORT_DIVISORS, values));
        } else {
            divisors.add(new Divisors(GgufKeys.ROPE_DIVISORS, values));
        }
    }
}
