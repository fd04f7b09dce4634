package dev.lte.core.source;

import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.core.io.JsonView;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads the rotations of a hub model: {@code rope_parameters} as transformers 5 writes them, for all layers or per layer
 * type, or {@code rope_theta} and {@code rope_scaling} as before.
 */
final class HubRopes {
    private static final String KNOWN = "default, linear, dynamic, llama3, yarn, longrope";

    private HubRopes() {}

    static Ropes read(Path file, JsonView config, Family family, int headSize, int context) {
        JsonView parameters = config.get("rope_parameters");
        JsonView full = parameters.get("full_attention");
        JsonView sliding = parameters.get("sliding_attention");
        Reader reader = new Reader(file, config, family, headSize, context);
        double theta = config.get("rope_theta").real(HubFamily.of(family).theta());
        if (full.isPresent() || sliding.isPresent()) {
            return Ropes.both(reader.read(full, theta), reader.read(sliding, 10_000));
        }
        Ropes global = reader.read(parameters.isPresent() ? parameters : config.get("rope_scaling"), theta);
        if (family != Family.GEMMA3) {
            return global;
        }
        // Sliding layers of Gemma 3 have a base of their own and are not stretched.
        JsonView none = JsonView.parse(new byte[] {'{', '}'}, file, "rope of sliding layers");
        return Ropes.both(
                global, reader.read(none, config.get("rope_local_base_freq").real(10_000)));
    }

    private record Reader(Path file, JsonView config, Family family, int headSize, int context) {
        /** @param rope one set of parameters; absent for a plain rotation */
        Ropes read(JsonView rope, double usualTheta) {
            String type = rope.get("rope_type").text(rope.get("type").text("default"));
            double theta =
                    Limits.positive(file, "rope_theta", rope.get("rope_theta").real(usualTheta));
            int original = Limits.check(
                    file,
                    "original_max_position_embeddings",
                    rope.get("original_max_position_embeddings")
                            .integer(config.get("original_max_position_embeddings")
                                    .integer(context)),
                    Limits.CONTEXT);
            int rotated = rotated(rope);
            double[] plain = RopeFrequencies.plain(theta, rotated);
            return switch (type) {
                case "default" -> of(plain, 1, context);
                case "linear" -> of(RopeFrequencies.linear(plain, factor(rope, 0)), 1, context);
                // Beyond the original length every further token would turn those before it anew.
                case "dynamic" -> of(plain, 1, Math.min(context, original));
                case "llama3" -> of(llama3(rope, plain, original), 1, context);
                case "yarn" -> yarn(rope, plain, theta, original);
                case "longrope", "su" -> longRope(rope, plain, original);
                default -> throw Limits.unsupported(file, "rope_type", type, KNOWN);
            };
        }

        private Ropes of(double[] frequencies, double magnitude, int length) {
            return Ropes.of(RopeFrequencies.rope(file, frequencies, magnitude, Pairing.HALVES), length);
        }

        private int rotated(JsonView rope) {
            double share = rope.get("partial_rotary_factor")
                    .real(config.get("partial_rotary_factor").real(1));
            if (share != 1 && family != Family.PHI3) {
                throw Limits.unsupported(file, "partial_rotary_factor", String.valueOf(share), "1");
            }
            double columns = headSize * share;
            if (!(columns >= 2 && columns <= headSize) || (int) columns % 2 != 0) {
                throw Limits.invalid(
                        file,
                        "rotated columns",
                        "an even number up to the head size " + headSize,
                        String.valueOf(columns));
            }
            return (int) columns;
        }

        private double factor(JsonView rope, double fallback) {
            JsonView factor = rope.get("factor");
            return Limits.positive(file, "rope factor", fallback == 0 ? factor.real() : factor.real(fallback));
        }

        private double[] llama3(JsonView rope, double[] plain, int original) {
            double low = Limits.positive(
                    file, "low_freq_factor", rope.get("low_freq_factor").real());
            double high = Limits.positive(
                    file, "high_freq_factor", rope.get("high_freq_factor").real());
            if (high <= low) {
                throw Limits.invalid(
                        file, "high_freq_factor", "more than low_freq_factor " + low, String.valueOf(high));
            }
            return RopeFrequencies.llama3(plain, factor(rope, 0), low, high, original);
        }

        private Ropes yarn(JsonView rope, double[] plain, double theta, int original) {
            double factor = factor(rope, (double) context / original);
            double[] frequencies = RopeFrequencies.yarn(
                    plain,
                    theta,
                    factor,
                    original,
                    beta(rope, "beta_fast", 32),
                    beta(rope, "beta_slow", 1),
                    rope.get("truncate").flag(true));
            double scale = rope.get("mscale").real(0);
            double scaleAll = rope.get("mscale_all_dim").real(0);
            double magnitude = scale != 0 && scaleAll != 0
                    ? RopeFrequencies.yarnMagnitude(factor, scale) / RopeFrequencies.yarnMagnitude(factor, scaleAll)
                    : RopeFrequencies.yarnMagnitude(factor, 1);
            return of(frequencies, rope.get("attention_factor").real(magnitude), context);
        }

        private double beta(JsonView rope, String key, double usual) {
            double value = rope.get(key).real(0);
            return value == 0 ? usual : Limits.positive(file, key, value);
        }

        /**
         * The short factors, which hold up to the original length: a longer text would turn all of its tokens by the long
         * ones, those already in the cache too.
         */
        private Ropes longRope(JsonView rope, double[] plain, int original) {
            double[] divisors = divisors(rope.get("short_factor"), plain.length);
            divisors(rope.get("long_factor"), plain.length);
            double stretch = (double) context / original;
            boolean ownLength = config.get("original_max_position_embeddings").isPresent();
            double factor = ownLength ? stretch : factor(rope, stretch);
            double magnitude = rope.get("attention_factor").real(RopeFrequencies.longMagnitude(factor, original));
            return of(RopeFrequencies.divided(plain, divisors), magnitude, Math.min(context, original));
        }

        private double[] divisors(JsonView list, int pairs) {
            List<JsonView> elements = list.elements();
            if (elements.size() != pairs) {
                throw list.invalid("a factor for each of " + pairs + " pairs", elements.size() + " factors");
            }
            return elements.stream()
                    .mapToDouble(element -> Limits.positive(file, "rope factors", element.real()))
                    .toArray();
        }
    }
}
