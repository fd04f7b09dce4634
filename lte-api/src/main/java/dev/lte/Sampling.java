package dev.lte;

/**
 * How the next token is chosen. Steps apply in the order of the components; the defaults switch each off, except that the
 * temperature is 0.8.
 *
 * @param repetitionPenalty logits of tokens in the last 64 of the context are divided by it if positive, else multiplied;
 *     1 for none, 0.5 to 2
 * @param temperature divides the logits; 0 always takes the most likely token
 * @param topK keeps the k most likely; 0 keeps all
 * @param topP keeps the smallest set whose probability reaches this; 1 keeps all
 * @param minP drops tokens less likely than this share of the most likely one; 0 drops none
 * @param seed of the random numbers: the same seed, model, backend and request give the same tokens
 */
public record Sampling(float repetitionPenalty, float temperature, int topK, float topP, float minP, long seed) {
    public Sampling {
        check(repetitionPenalty >= 0.5f && repetitionPenalty <= 2, "repetitionPenalty", "0.5 to 2", repetitionPenalty);
        check(temperature >= 0 && temperature <= 100, "temperature", "0 to 100", temperature);
        check(topK >= 0, "topK", "0 or more", topK);
        check(topP > 0 && topP <= 1, "topP", "above 0, at most 1", topP);
        check(minP >= 0 && minP < 1, "minP", "0 or more, below 1", minP);
    }

    private static void check(boolean inRange, String option, String expected, Object found) {
        if (!inRange) {
            throw new InvalidRequestException(option, expected, found);
        }
    }

    /** Temperature 0.8, nothing cut, seed 0. */
    public static Sampling defaults() {
        return new Sampling(1, 0.8f, 0, 1, 0, 0);
    }

    /** Always the most likely token. */
    public static Sampling greedy() {
        return defaults().withTemperature(0);
    }

    public Sampling withRepetitionPenalty(float value) {
        return new Sampling(value, temperature, topK, topP, minP, seed);
    }

    public Sampling withTemperature(float value) {
        return new Sampling(repetitionPenalty, value, topK, topP, minP, seed);
    }

    public Sampling withTopK(int value) {
        return new Sampling(repetitionPenalty, temperature, value, topP, minP, seed);
    }

    public Sampling withTopP(float value) {
        return new Sampling(repetitionPenalty, temperature, topK, value, minP, seed);
    }

    public Sampling withMinP(float value) {
        return new Sampling(repetitionPenalty, temperature, topK, topP, value, seed);
    }

    public Sampling withSeed(long value) {
        return new Sampling(repetitionPenalty, temperature, topK, topP, minP, value);
    }
}
