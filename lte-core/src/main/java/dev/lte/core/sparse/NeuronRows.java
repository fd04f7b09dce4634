package dev.lte.core.sparse;

import dev.lte.ModelFormatException;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/** The neurons that are grouped: F rows of D features as F32, and the two products that k-means needs. */
final class NeuronRows {
    /** Neurons and features of a tile: 256 x 256 floats stay in a core's L2 cache while all vectors pass. */
    private static final int TILE = 256;

    private final float[][] rows;
    private final double[] squares;

    private NeuronRows(float[][] rows, double[] squares) {
        this.rows = rows;
        this.squares = squares;
    }

    /**
     * @param source (F, D)
     * @param normalise whether each row is scaled to length 1; rows of zeros stay
     * @throws ModelFormatException if a row holds a value that is not finite
     */
    static NeuronRows read(RowReader source, int neurons, int features, boolean normalise, ParallelRanges parallel) {
        float[][] rows = new float[neurons][features];
        double[] squares = new double[neurons];
        parallel.forEach(neurons, 64, (from, to) -> {
            for (int f = from; f < to; f++) {
                source.read(f, rows[f]);
                squares[f] = square(rows[f]);
                if (!Double.isFinite(squares[f])) {
                    throw new ModelFormatException(
                            null,
                            "neuron " + f,
                            ModelFormatException.NO_OFFSET,
                            "finite weights",
                            "a sum of squares of " + squares[f]);
                }
                if (normalise && squares[f] > 0) {
                    double scale = 1 / Math.sqrt(squares[f]);
                    for (int d = 0; d < features; d++) {
                        rows[f][d] = (float) (rows[f][d] * scale);
                    }
                    squares[f] = square(rows[f]);
                }
            }
        });
        return new NeuronRows(rows, squares);
    }

    static double square(float[] vector) {
        double square = 0;
        for (float value : vector) {
            square += (double) value * value;
        }
        return square;
    }

    /** F. */
    int neurons() {
        return rows.length;
    }

    /** D. */
    int features() {
        return rows[0].length;
    }

    /** Not to be changed. */
    float[] row(int neuron) {
        return rows[neuron];
    }

    double square(int neuron) {
        return squares[neuron];
    }

    double squares() {
        double sum = 0;
        for (double square : squares) {
            sum += square;
        }
        return sum;
    }

    /** {@code products[f] = row f . vector}, for one vector. */
    void multiply(float[] vector, float[] products, ParallelRanges parallel) {
        parallel.forEach(rows.length, 64, (from, to) -> {
            for (int f = from; f < to; f++) {
                products[f] = dot(rows[f], vector);
            }
        });
    }

    /** Eight sums side by side: one alone would wait for each addition, and the JIT may not reorder additions of floats. */
    static float dot(float[] x, float[] y) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
        int d = 0;
        for (; d + 7 < x.length; d += 8) {
            s0 += x[d] * y[d];
            s1 += x[d + 1] * y[d + 1];
            s2 += x[d + 2] * y[d + 2];
            s3 += x[d + 3] * y[d + 3];
            s4 += x[d + 4] * y[d + 4];
            s5 += x[d + 5] * y[d + 5];
            s6 += x[d + 6] * y[d + 6];
            s7 += x[d + 7] * y[d + 7];
        }
        float sum = s0 + s1 + (s2 + s3) + (s4 + s5 + (s6 + s7));
        for (; d < x.length; d++) {
            sum += x[d] * y[d];
        }
        return sum;
    }

    /**
     * {@code products[i][n] = row subset(i) . vectors[n]}.
     *
     * @param subset the neuron of each row of the products
     * @param size I
     * @param vectors (N, D)
     * @param products (I, N), overwritten
     */
    void multiply(IntUnaryOperator subset, int size, float[][] vectors, float[] products, ParallelRanges parallel) {
        int share = (size + parallel.threads() - 1) / parallel.threads();
        int width = Math.min(TILE, (share + 63) / 64 * 64);
        parallel.forEach(
                size, width, (from, to) -> new Tile(width, vectors.length).run(subset, from, to, vectors, products));
    }

    /**
     * One thread's part of a product. The neurons of a tile are turned so that features are rows: then the inner loop adds
     * multiples of arrays at one common index, which the JIT turns into SIMD code. Sums run over features in order, whatever
     * the width of the tile, so that the split among threads does not show in the result.
     */
    private final class Tile {
        private final float[][] turned;
        private final float[][] sums;

        Tile(int width, int vectors) {
            turned = new float[TILE][width];
            sums = new float[vectors][width];
        }

        void run(IntUnaryOperator subset, int from, int to, float[][] vectors, float[] products) {
            int width = to - from;
            for (int first = 0; first < features(); first += TILE) {
                int last = Math.min(features(), first + TILE);
                turn(subset, from, width, first, last);
                int n = 0;
                for (; n + 1 < vectors.length; n += 2) {
                    addBoth(vectors[n], vectors[n + 1], sums[n], sums[n + 1], first, last, width);
                }
                if (n < vectors.length) {
                    for (int d = first; d < last; d++) {
                        add(sums[n], turned[d - first], vectors[n][d], width);
                    }
                }
            }
            for (int i = 0; i < width; i++) {
                int row = (from + i) * vectors.length;
                for (int n = 0; n < vectors.length; n++) {
                    products[row + n] = sums[n][i];
                }
            }
        }

        private void turn(IntUnaryOperator subset, int from, int width, int first, int last) {
            for (int i = 0; i < width; i++) {
                float[] row = rows[subset.applyAsInt(from + i)];
                for (int d = first; d < last; d++) {
                    turned[d - first][i] = row[d];
                }
            }
        }

        private void addBoth(float[] a, float[] b, float[] sumA, float[] sumB, int first, int last, int width) {
            int d = first;
            for (; d + 3 < last; d += 4) {
                int t = d - first;
                addFour(
                        sumA,
                        sumB,
                        turned[t],
                        turned[t + 1],
                        turned[t + 2],
                        turned[t + 3],
                        width,
                        a[d],
                        a[d + 1],
                        a[d + 2],
                        a[d + 3],
                        b[d],
                        b[d + 1],
                        b[d + 2],
                        b[d + 3]);
            }
            for (; d < last; d++) {
                add(sumA, turned[d - first], a[d], width);
                add(sumB, turned[d - first], b[d], width);
            }
        }
    }

    private static void add(float[] sum, float[] x, float scale, int width) {
        for (int i = 0; i < width; i++) {
            sum[i] += scale * x[i];
        }
    }

    /** Two sums of four terms: eight multiplications for six loads. */
    private static void addFour(
            float[] sumA,
            float[] sumB,
            float[] x0,
            float[] x1,
            float[] x2,
            float[] x3,
            int width,
            float a0,
            float a1,
            float a2,
            float a3,
            float b0,
            float b1,
            float b2,
            float b3) {
        for (int i = 0; i < width; i++) {
            float y0 = x0[i];
            float y1 = x1[i];
            float y2 = x2[i];
            float y3 = x3[i];
            sumA[i] += a0 * y0 + a1 * y1 + a2 * y2 + a3 * y3;
            sumB[i] += b0 * y0 + b1 * y1 + b2 * y2 + b3 * y3;
        }
    }

    /**
     * {@code sums[n] = sum of the rows of cluster n}.
     *
     * @param members (N x M), cluster after cluster
     * @param sums (N, D), overwritten
     */
    void sums(int[] members, double[][] sums, ParallelRanges parallel) {
        int size = members.length / sums.length;
        parallel.forEach(sums.length, 4, (from, to) -> {
            for (int n = from; n < to; n++) {
                Arrays.fill(sums[n], 0);
                for (int i = n * size; i < (n + 1) * size; i++) {
                    add(sums[n], rows[members[i]], 1);
                }
            }
        });
    }

    /** {@code sum += scale x row}. */
    static void add(double[] sum, float[] row, double scale) {
        for (int d = 0; d < row.length; d++) {
            sum[d] += scale * row[d];
        }
    }
}
