package dev.lte.core.eval;

/** How well a model predicts text: the sum of negative log-likelihoods, per token and per character of the text. */
public final class Likelihood {
    private double nats;
    private long tokens;
    private long characters;

    /**
     * @param nats negative log-likelihood of the tokens, in natural logarithms
     * @param tokens that were predicted
     * @param characters (code points) that they spell; end marks spell none
     */
    public void add(double nats, long tokens, long characters) {
        if (tokens < 0 || characters < 0) {
            throw new IllegalArgumentException("tokens " + tokens + ", characters " + characters);
        }
        this.nats += nats;
        this.tokens += tokens;
        this.characters += characters;
    }

    public double nats() {
        return nats;
    }

    public long tokens() {
        return tokens;
    }

    public long characters() {
        return characters;
    }

    /** NaN without tokens. */
    public double natsPerToken() {
        return nats / tokens;
    }

    /** Comparable between tokenizers; NaN without characters. */
    public double natsPerCharacter() {
        return nats / characters;
    }

    /** {@code exp(natsPerToken)}. */
    public double perplexity() {
        return Math.exp(natsPerToken());
    }
}
