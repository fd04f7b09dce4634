package dev.lte.backend;

/**
 * A noisy top-k softmax router (Shazeer et al., 2017), with {@code l = logits[t][g] + noise * normal(seed, t, g)}: the k experts of
 * the greatest l have the score {@code k * exp(l) / sum over these of exp(l)}, of equal ones the first; the others have 0. Scores of a
 * token add up to k, so that equal shares leave experts as they are.
 *
 * @param k experts that run, 1 or more
 * @param noise deviation of what is added to logits so that every expert gets its chance; 0 for none
 */
public record TopKSpec(int k, float noise) {
    public TopKSpec {
        if (k < 1 || !(noise >= 0)) {
            throw new IllegalArgumentException(
                    "expected 1 expert or more and noise of 0 or more, found " + k + ", " + noise);
        }
    }

    /** As a model is evaluated. */
    public TopKSpec withoutNoise() {
        return new TopKSpec(k, 0);
    }

    /** A normally distributed number that depends on its arguments alone, the same for all backends. */
    public static float normal(long seed, int row, int expert) {
        long mixed = mix(seed + 0x9E3779B97F4A7C15L * (((long) row << 32) + expert + 1));
        double first = ((mixed >>> 40) + 1) * 0x1p-24;
        double second = (mixed & 0xFFFFFF) * 0x1p-24;
        return (float) (StrictMath.sqrt(-2 * StrictMath.log(first)) * StrictMath.cos(2 * Math.PI * second));
    }

    /** SplitMix64's. */
    private static long mix(long z) {
        long a = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ a >>> 27) * 0x94D049BB133111EBL;
        return b ^ b >>> 31;
    }
}
