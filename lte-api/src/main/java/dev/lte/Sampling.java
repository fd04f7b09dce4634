package dev.lte;

/**
 * How the next token is chosen. Steps apply in the order of the components; the defaults switch each off, except that the
 * temperature is 0.8.
 *
 * @param repetitionPenalty logits of tokens in the last 64 of the context are divided by it if positive, else multiplied;
 *     1 for none, 0.5 to 2
 * @param frequencyPenalty subtracted from the logit of a token for each time it was generated; -2 to 2
 * @param presencePenalty subtracted once from the logit of each token that was generated; -2 to 2
 * @param temperature divides the logits; 0 always takes the most likely token
 * @param topK keeps the k most likely; 0 keeps all
 * @param typicalP keeps the smallest set whose probability reaches this, of the tokens whose information is nearest to the
 *     expected one (locally typical sampling); 1 keeps all
 * @param topP keeps the smallest set whose probability reaches this; 1 keeps all
 * @param minP drops tokens less likely than this share of the most likely one; 0 drops none
 * @param seed of the random numbers: the same seed, model, backend and request give the same tokens
 */
public record Sampling(
        float repetitionPenalty,
        float frequencyPenalty,
        float presencePenalty,
        float temperature,
        int topK,
        float typicalP,
        float topP,
        float minP,
        long seed) {
    public Sampling {
        check(repetitionPenalty >= 0.5f && repetitionPenalty <= 2, "repetitionPenalty", "0.5 to 2", repetitionPenalty);
        check(frequencyPenalty >= -2 && frequencyPenalty <= 2, "frequencyPenalty", "-2 to 2", frequencyPenalty);
        check(presencePenalty >= -2 && presencePenalty <= 2, "presencePenalty", "-2 to 2", presencePenalty);
        check(temperature >= 0 && temperature <= 100, "temperature", "0 to 100", temperature);
        check(topK >= 0, "topK", "0 or more", topK);
        check(typicalP > 0 && typicalP <= 1, "typicalP", "above 0, at most 1", typicalP);
        check(topP > 0 && topP <= 1, "topP", "above 0, at most 1", topP);
        check(minP >= 0 && minP < 1, "minP", "0 or more, below 1", minP);
    }

    private static void check(boolean inRange, String option, String expected, Object found) {
        if (!inRange) {
            throw new InvalidRequestException(option, expected, found);
        }
    }

    /** Temperature 0.8, nothing cut, no penalty, seed 0. */
    public static Sampling defaults() {
        return new Sampling(1, 0, 0, 0.8f, 0, 1, 1, 0, 0);
    }

    /** Always the most likely token. */
    public static Sampling greedy() {
        return defaults().withTemperature(0);
    }

    public Sampling withRepetitionPenalty(float value) {
        return new Sampling(value, frequencyPenalty, presencePenalty, temperature, topK, typicalP, topP, minP, seed);
    }

    public Sampling withFrequencyPenalty(float value) {
        return new Sampling(repetitionPenalty, value, presencePenalty, temperature, topK, typicalP, topP, minP, seed);
    }

    public Sampling withPresencePenalty(float value) {
        return new Sampling(repetitionPenalty, frequencyPenalty, value, temperature, topK, typicalP, topP, minP, seed);
    }

    public Sampling withTemperature(float value) {
        return new Sampling(
                repetitionPenalty, frequencyPenalty, presencePenalty, value, topK, typicalP, topP, minP, seed);
    }

    public Sampling withTopK(int value) {
        return new Sampling(
                repetitionPenalty, frequencyPenalty, presencePenalty, temperature, value, typicalP, topP, minP, seed);
    }

    public Sampling withTypicalP(float value) {
        return new Sampling(
                repetitionPenalty, frequencyPenalty, presencePenalty, temperature, topK, value, topP, minP, seed);
    }

    public Sampling withTopP(float value) {
        return new Sampling(
                repetitionPenalty, frequencyPenalty, presencePenalty, temperature, topK, typicalP, value, minP, seed);
    }

    public Sampling withMinP(float value) {
        return new Sampling(
                repetitionPenalty, frequencyPenalty, presencePenalty, temperature, topK, typicalP, topP, value, seed);
    }

    public Sampling withSeed(long value) {
        return new Sampling(
                repetitionPenalty, frequencyPenalty, presencePenalty, temperature, topK, typicalP, topP, minP, value);
    }
}
