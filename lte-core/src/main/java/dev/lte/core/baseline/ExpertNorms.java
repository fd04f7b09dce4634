package dev.lte.core.baseline;

import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.train.Matrix;

/**
 * What each expert adds to the output of its FFN, as a length: {@code |E_n(x)|}, from hidden activations alone. The products of
 * an expert's down columns with each other are kept, so that a token costs F x M multiplications, not F x D. Immutable.
 */
final class ExpertNorms {
    private final Grouping grouping;
    /** (N, M, M). */
    private final float[][] products;

    /** Of a layer of a model. */
    static ExpertNorms of(ModelSource source, int layer, Grouping grouping) {
        Matrix down = Matrix.of(source.get(WeightRole.DOWN, layer));
        return new ExpertNorms(grouping, down.values(), down.rows());
    }

    /** @param down (D, F), neurons in the order before grouping */
    ExpertNorms(Grouping grouping, float[] down, int model) {
        this.grouping = grouping;
        int size = grouping.expertSize();
        products = new float[grouping.experts()][size * size];
        float[] columns = new float[size];
        for (int d = 0; d < model; d++) {
            for (int n = 0; n < products.length; n++) {
                for (int i = 0; i < size; i++) {
                    columns[i] = down[d * grouping.ffn() + grouping.neuronAt(n * size + i)];
                }
                float[] sums = products[n];
                for (int i = 0; i < size; i++) {
                    for (int j = 0; j < size; j++) {
                        sums[i * size + j] += columns[i] * columns[j];
                    }
                }
            }
        }
    }

    /**
     * @param hidden (T, F), of which one row is used
     * @return (N)
     */
    float[] of(float[] hidden, int row) {
        int size = grouping.expertSize();
        int begin = row * grouping.ffn();
        float[] norms = new float[products.length];
        float[] own = new float[size];
        for (int n = 0; n < norms.length; n++) {
            for (int i = 0; i < size; i++) {
                own[i] = hidden[begin + grouping.neuronAt(n * size + i)];
            }
            double square = 0;
            for (int i = 0; i < size; i++) {
                float sum = 0;
                for (int j = 0; j < size; j++) {
                    sum += products[n][i * size + j] * own[j];
                }
                square += (double) sum * own[i];
            }
            norms[n] = (float) Math.sqrt(Math.max(0, square));
        }
        return norms;
    }
}
