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
        int dim, int hidden, int layers, int heads, int kvHeads, int vocab, int seqLen, boolean sharedClassifier) {
    /** Larger than any such model; products of four numbers then fit a long. */
    private static final int LARGEST = 1 << 18;

    boolean isPossible() {
        return isSize(dim)
                && isSize(hidden)
                && isSize(layers)
                && isSize(heads)
                && isSize(kvHeads)
                && isSize(vocab)
                && isSize(seqLen)
                && dim % heads == 0
                && headSize() % 2 == 0
                && heads % kvHeads == 0;
    }

    private static boolean isSize(int number) {
        return number > 0 && number <= LARGEST;
    }

    /** Elements of a head. */
    public long headSize() {
        return dim / heads;
    }

    /** Elements of the keys, or values, of a token. */
    public long kvDim() {
        return kvHeads * headSize();
    }

    /** The size of the file of a {@linkplain #isPossible possible} header. */
    long fileBytes(int headerBytes) {
        long attention = 2L * dim * dim + 2L * kvDim() * dim;
        long feedForward = 3L * dim * hidden;
        long perLayer = 2L * dim + attention + feedForward;
        long embeddings = (sharedClassifier ? 1L : 2L) * vocab * dim;
        long floats = embeddings + layers * perLayer + dim + seqLen * headSize();
        return headerBytes + Float.BYTES * floats;
    }
}
