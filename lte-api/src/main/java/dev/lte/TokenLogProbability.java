package dev.lte;

import java.util.List;

/**
 * How likely a generated token was, by the model's own logits: before bias, penalties and temperature.
 *
 * @param token what was chosen
 * @param alternatives the most likely tokens in its place, most likely first, as many as were asked for
 */
public record TokenLogProbability(Candidate token, List<Candidate> alternatives) {
    public TokenLogProbability {
        alternatives = List.copyOf(alternatives);
    }

    /**
     * @param id of the token
     * @param text its bytes as text, parts of characters as U+FFFD; special tokens as the vocabulary writes them
     * @param bytes what it adds to the text, 0 to 255 each; empty for special tokens
     * @param logProbability natural logarithm of its probability
     */
    public record Candidate(int id, String text, List<Integer> bytes, double logProbability) {
        public Candidate {
            bytes = List.copyOf(bytes);
        }
    }
}
