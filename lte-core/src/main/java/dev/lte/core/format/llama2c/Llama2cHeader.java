package dev.lte.core.format.llama2c;

/**
 * The header of a llama2.c checkpoint.
 *
 * @param dim width of the model
 * @param hidden width of the feed-forward block
 * @param layers number of layers
 * @param heads number of query heads
 * @param kvHeads number of key and value heads
 * @param vocab number of tokens
 * @param seqLen longest sequence
 * @param sharedClassifier whether the token embedding is the classifier, too
 */
public record Llama2cHeader(
        int dim, int hidden, int layers, int heads, int kvHeads, int vocab, int seqLen, boolean sharedClassifier) {}
