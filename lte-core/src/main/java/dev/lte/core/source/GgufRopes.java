package dev.lte.core.source;

import dev.lte.ModelFormatException;
import dev.lte.backend.DType;
import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Reads the rotations of a GGUF model, as llama.cpp computes them. */
final class GgufRopes {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private GgufRopes() {}

    static Ropes read(GgufValues values, TensorFile tensors, Family family, int headSize, int context) {
        return new Reader(values, tensors, family, headSize, context).read();
    }

    private record Reader(GgufValues values, TensorFile tensors, Family family, int headSize, int context) {
        Ropes read() {
            int rotated = values.count(GgufKeys.ROTATED, headSize, headSize);
            if (rotated % 2 != 0) {
                throw Limits.invalid(
                        values.file(), values.key(GgufKeys.ROTATED), "an even number", String.valueOf(rotated));
            }
            double theta = values.positive(GgufKeys.THETA, 10_000);
            double[] plain = RopeFrequencies.plain(theta, rotated);
            Ropes full = scaled(plain, theta);
            if (family == Family.GEMMA3 || values.has(GgufKeys.THETA_SLIDING)) {
                double own = values.positive(GgufKeys.THETA_SLIDING, family == Family.GEMMA3 ? 10_000 : theta);
                return Ropes.both(full, of(RopeFrequencies.plain(own, rotated), 1, full.context()));
            }
            return full;
        }

        private Ropes scaled(double[] plain, double theta) {
            String type = values.text(GgufKeys.SCALING);
            double factor = values.has(GgufKeys.SCALING_FACTOR)
                    ? values.metadata().real(values.key(GgufKeys.SCALING_FACTOR))
                    : values.metadata().real(values.key(GgufKeys.SCALING_FACTOR_OLD), 1);
            // Zero stands for none.
            factor = factor == 0 ? 1 : Limits.positive(values.file(), values.key(GgufKeys.SCALING_FACTOR), factor);
            int original = values.count(GgufKeys.ORIGINAL_CONTEXT, context, Limits.CONTEXT);
            double magnitude = values.positive(GgufKeys.MAGNITUDE, 1);
            double[] divided = divided(plain, GgufKeys.ROPE_DIVISORS);
            if (type == null && tensors.find(GgufKeys.SHORT_DIVISORS) != null) {
                type = "longrope"; // Converters of Phi-3 leave it to the tensors.
            }
            return switch (type == null ? "linear" : type) {
                case "none" -> of(divided, magnitude, context);
                case "linear" -> of(RopeFrequencies.linear(divided, factor), magnitude, context);
                case "yarn" -> {
                    double fast = values.positive(GgufKeys.BETA_FAST, 32);
                    double slow = values.positive(GgufKeys.BETA_SLOW, 1);
                    double[] mixed = RopeFrequencies.yarn(plain, theta, factor, original, fast, slow, true);
                    yield of(mixed, magnitude * RopeFrequencies.yarnMagnitude(factor, 1), context);
                }
                // Beyond the original length all tokens would turn by the long divisors, cached ones too.
                case "longrope" -> of(divided(plain, GgufKeys.SHORT_DIVISORS), magnitude, Math.min(context, original));
                default -> throw values.unsupported(GgufKeys.SCALING, type, "none, linear, yarn, longrope");
            };
        }

        private Ropes of(double[] frequencies, double magnitude, int length) {
            Pairing pairing = family == Family.LLAMA ? Pairing.ADJACENT : Pairing.HALVES;
            return Ropes.of(RopeFrequencies.rope(values.file(), frequencies, magnitude, pairing), length);
        }

        /** Divided by what a tensor says, if the file has it. */
        private double[] divided(double[] plain, String name) {
            TensorInfo tensor = tensors.find(name);
            if (tensor == null) {
                return plain;
            }
            if (tensor.dtype() != DType.F32 || tensor.rows() != 1 || tensor.columns() != plain.length) {
                throw new ModelFormatException(
                        values.file(),
                        name,
                        tensor.offset(),
                        plain.length + " elements of type F32",
                        tensor.shape() + " of type " + tensor.dtype());
            }
            MemorySegment bytes = tensors.bytes(tensor);
            double[] divisors = new double[plain.length];
            for (int i = 0; i < divisors.length; i++) {
                divisors[i] = Limits.positive(values.file(), name, bytes.get(FLOAT, 4L * i));
            }
            return RopeFrequencies.divided(plain, divisors);
        }
    }
}
