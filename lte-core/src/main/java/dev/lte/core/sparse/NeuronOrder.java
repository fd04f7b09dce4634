package dev.lte.core.sparse;

/**
 * Puts the weights of one FFN in the order of a {@link Grouping}, so that an expert's neurons lie side by side. All weights of
 * an FFN are reordered alike; the FFN computes the same sums of the same products, in another order.
 */
public final class NeuronOrder {
    private final Grouping grouping;

    public NeuronOrder(Grouping grouping) {
        this.grouping = grouping;
    }

    /**
     * Gate, up, GPT-2's fc after transposition: one row per neuron.
     *
     * @param weights (F, columns)
     * @return the same rows, expert after expert
     */
    public float[] rows(float[] weights, int columns) {
        check(weights.length, columns);
        float[] ordered = new float[weights.length];
        for (int place = 0; place < grouping.ffn(); place++) {
            System.arraycopy(weights, grouping.neuronAt(place) * columns, ordered, place * columns, columns);
        }
        return ordered;
    }

    /**
     * Biases of gate and up: one value per neuron.
     *
     * @param values (F)
     */
    public float[] vector(float[] values) {
        return rows(values, 1);
    }

    /**
     * Down: one column per neuron.
     *
     * @param weights (rows, F)
     * @return the same columns, expert after expert
     */
    public float[] columns(float[] weights, int rows) {
        check(weights.length, rows);
        int ffn = grouping.ffn();
        float[] ordered = new float[weights.length];
        for (int row = 0; row < rows; row++) {
            for (int place = 0; place < ffn; place++) {
                ordered[row * ffn + place] = weights[row * ffn + grouping.neuronAt(place)];
            }
        }
        return ordered;
    }

    private void check(int length, int across) {
        if ((long) grouping.ffn() * across != length) {
            throw new IllegalArgumentException(
                    "expected " + grouping.ffn() + " neurons x " + across + " weights, found " + length);
        }
    }
}
