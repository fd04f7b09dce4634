package dev.lte.core.source;

import dev.lte.UnsupportedModelException;
import dev.lte.core.arch.ModelConfig.Routing;
import java.nio.file.Path;

/** The parameters of LTE routing, checked. Both formats that carry them use the same names. */
public final class LteRouting {
    public static final int VERSION = 1;

    private LteRouting() {}

    /** @param prefix of the keys, for messages */
    static Routing of(Path file, String prefix, int version, int expertSize, double threshold, int ffn) {
        if (version != VERSION) {
            throw new UnsupportedModelException(
                    file + ": " + prefix + "version " + version + " is not known; known is " + VERSION,
                    "use a newer release of LTE");
        }
        if (expertSize < 1 || ffn % expertSize != 0) {
            throw Limits.invalid(
                    file,
                    prefix + "expert_size",
                    "a divisor of the " + ffn + " FFN neurons",
                    String.valueOf(expertSize));
        }
        float rounded = (float) threshold;
        if (!(rounded > 0 && rounded < 1)) {
            throw Limits.invalid(
                    file, prefix + "threshold", "a number between 0 and 1, both excluded", String.valueOf(threshold));
        }
        return new Routing(expertSize, rounded);
    }
}
