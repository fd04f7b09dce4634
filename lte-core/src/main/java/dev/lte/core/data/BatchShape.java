package dev.lte.core.data;

import dev.lte.InvalidRequestException;

/**
 * @param sequences B of every batch but perhaps the last
 * @param tokens T at most; longer examples are cut
 * @param fixed whether every batch has T tokens; else padded batches are as long as their longest sequence
 */
public record BatchShape(int sequences, int tokens, boolean fixed) {
    public BatchShape {
        if (sequences < 1 || tokens < 2 || (long) sequences * tokens > Integer.MAX_VALUE - 8) {
            throw new InvalidRequestException("batch", "sequences of at least 2 tokens", sequences + " x " + tokens);
        }
    }
}
