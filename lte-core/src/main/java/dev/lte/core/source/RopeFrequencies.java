package dev.lte.core.source;

import dev.lte.backend.RopeSpec;
import dev.lte.core.arch.ModelConfig.Rope;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Angles per position of the pairs of a rotated head, {@code theta^(-2i/rotated)}, and the ways in which models stretch
 * them over longer contexts. All in double precision.
 */
public final class RopeFrequencies {
    private RopeFrequencies() {}

    /** @param rotated columns of a head that are rotated, even */
    public static double[] plain(double theta, int rotated) {
        double[] frequencies = new double[rotated / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(theta, -2.0 * i / rotated);
        }
        return frequencies;
    }

    /** Position interpolation: every angle divided by {@code factor}. */
    static double[] linear(double[] plain, double factor) {
        return Arrays.stream(plain).map(frequency -> frequency / factor).toArray();
    }

    /**
     * Llama 3.1: long waves are divided by {@code factor}, short ones stay, those between are mixed.
     *
     * @param context that the model had before it was stretched
     */
    public static double[] llama3(double[] plain, double factor, double low, double high, int context) {
        return Arrays.stream(plain)
                .map(frequency -> {
                    double wave = 2 * Math.PI / frequency;
                    if (wave < context / high) {
                        return frequency;
                    } else if (wave > context / low) {
                        return frequency / factor;
                    }
                    double smooth = (context / wave - low) / (high - low);
                    return (1 - smooth) * frequency / factor + smooth * frequency;
                })
                .toArray();
    }

    /**
     * YaRN (arXiv 2309.00071): pairs that turn more than {@code betaFast} times within the original context stay, those
     * below {@code betaSlow} turns are divided by {@code factor}, with a ramp between.
     *
     * @param truncate whether the ramp's ends are rounded to whole pairs
     */
    static double[] yarn(
            double[] plain,
            double theta,
            double factor,
            int context,
            double betaFast,
            double betaSlow,
            boolean truncate) {
        int rotated = 2 * plain.length;
        double low = turnsAt(betaFast, rotated, theta, context);
        double high = turnsAt(betaSlow, rotated, theta, context);
        if (truncate) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, rotated - 1);
        double width = high == low ? 0.001 : high - low;
        double[] frequencies = new double[plain.length];
        for (int i = 0; i < plain.length; i++) {
            double ramp = Math.clamp((i - low) / width, 0, 1);
            frequencies[i] = plain[i] / factor * ramp + plain[i] * (1 - ramp);
        }
        return frequencies;
    }

    /** The (fractional) pair that turns so often within the context. */
    private static double turnsAt(double turns, int rotated, double theta, int context) {
        return rotated * Math.log(context / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    /** YaRN's magnitude of cosines and sines. */
    static double yarnMagnitude(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    /** LongRoPE's magnitude of cosines and sines. */
    static double longMagnitude(double factor, int context) {
        return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(context));
    }

    /** A divisor for each pair, as LongRoPE and GGUF's {@code rope_freqs.weight} have them. */
    static double[] divided(double[] plain, double[] divisors) {
        double[] frequencies = new double[plain.length];
        for (int i = 0; i < plain.length; i++) {
            frequencies[i] = plain[i] / divisors[i];
        }
        return frequencies;
    }

    /** @throws dev.lte.ModelFormatException if the parameters led to angles that are not finite */
    static Rope rope(Path file, double[] frequencies, double magnitude, RopeSpec.Pairing pairing) {
        for (double frequency : frequencies) {
            if (!(frequency >= 0 && frequency < Float.MAX_VALUE)) {
                throw Limits.invalid(file, "rope", "finite angles", String.valueOf(frequency));
            }
        }
        Limits.positive(file, "rope magnitude", magnitude);
        return new Rope(Arrays.stream(frequencies).boxed().toList(), magnitude, pairing);
    }
}
