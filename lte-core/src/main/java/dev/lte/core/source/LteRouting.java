package dev.lte.core.source;

import dev.lte.UnsupportedModelException;
import dev.lte.core.arch.ModelConfig.Routing;
import java.nio.file.Path;

/** The parameters of LTE routing, checked. Both formats that carry them use the same names. */
public final class LteRouting {
    /** Of files with LTE's routers. */
    public static final int VERSION = 1;

    /** Of files with others, which releases that know LTE's alone must not run. */
    public static final int OTHER_ROUTERS = 2;

    private LteRouting() {}

    /** The version of a file with this routing. */
    public static int version(Routing routing) {
        return routing.topK() > 0 ? OTHER_ROUTERS : VERSION;
    }

    /** @param prefix of the keys, for messages */
    static Routing of(Path file, String prefix, int version, int expertSize, double threshold, int topK, int ffn) {
        if (version != VERSION && version != OTHER_ROUTERS) {
            throw new UnsupportedModelException(
                    file + ": " + prefix + "version " + version + " is not known; known are " + VERSION + " and "
                            + OTHER_ROUTERS,
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
        if (version == VERSION ? topK != 0 : topK < 1 || topK > ffn / expertSize) {
            throw Limits.invalid(
                    file,
                    prefix + "top_k",
                    version == VERSION ? "none" : "1 to " + ffn / expertSize + " experts",
                    String.valueOf(topK));
        }
        return new Routing(expertSize, rounded, topK);
    }
}
