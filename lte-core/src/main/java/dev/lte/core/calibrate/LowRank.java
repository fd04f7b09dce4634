package dev.lte.core.calibrate;

import java.util.SplittableRandom;

/**
 * The best linear predictor of low rank (reduced-rank regression; Izenman, 1975): of a predictor W fitted without that limit,
 * what lies in the directions in which its predictions vary most over the sample.
 */
public final class LowRank {
    private static final int ITERATIONS = 12;

    private LowRank() {}

    /**
     * @param weights (units, D)
     * @param sample whose inputs the predictions are for
     * @param rank from 1 to the lesser of units and D
     * @return (units, D) of that rank
     */
    public static float[] of(float[] weights, RouterSample sample, int rank, long seed) {
        int model = sample.model();
        int units = weights.length / model;
        int size = Math.clamp(rank, 1, Math.min(units, model));
        SplittableRandom random = new SplittableRandom(seed);
        double[][] basis = new double[size][units];
        for (double[] direction : basis) {
            for (int u = 0; u < units; u++) {
                direction[u] = random.nextGaussian();
            }
        }
        orthonormalise(basis);
        double[][] turned = new double[size][];
        for (int iteration = 0; iteration < ITERATIONS; iteration++) {
            for (int r = 0; r < size; r++) {
                turned[r] = gram(back(weights, basis[r], model), sample);
                basis[r] = predictions(weights, turned[r], units);
            }
            orthonormalise(basis);
        }
        float[] result = new float[weights.length];
        for (double[] direction : basis) {
            double[] inputs = back(weights, direction, model);
            for (int u = 0; u < units; u++) {
                for (int d = 0; d < model; d++) {
                    result[u * model + d] += (float) (direction[u] * inputs[d]);
                }
            }
        }
        return result;
    }

    /** {@code W' v}, (D). */
    private static double[] back(float[] weights, double[] v, int model) {
        double[] result = new double[model];
        for (int u = 0; u < v.length; u++) {
            for (int d = 0; d < model; d++) {
                result[d] += v[u] * weights[u * model + d];
            }
        }
        return result;
    }

    /** {@code X' X v}, (D). */
    private static double[] gram(double[] v, RouterSample sample) {
        double[] result = new double[v.length];
        for (int t = 0; t < sample.size(); t++) {
            float[] x = sample.input(t);
            double product = 0;
            for (int d = 0; d < v.length; d++) {
                product += v[d] * x[d];
            }
            for (int d = 0; d < v.length; d++) {
                result[d] += product * x[d];
            }
        }
        return result;
    }

    /** {@code W v}, (units). */
    private static double[] predictions(float[] weights, double[] v, int units) {
        double[] result = new double[units];
        for (int u = 0; u < units; u++) {
            for (int d = 0; d < v.length; d++) {
                result[u] += weights[u * v.length + d] * v[d];
            }
        }
        return result;
    }

    /** Gram and Schmidt, twice, as once loses digits. */
    private static void orthonormalise(double[][] basis) {
        for (int pass = 0; pass < 2; pass++) {
            for (int r = 0; r < basis.length; r++) {
                for (int s = 0; s < r; s++) {
                    double product = 0;
                    for (int u = 0; u < basis[r].length; u++) {
                        product += basis[r][u] * basis[s][u];
                    }
                    for (int u = 0; u < basis[r].length; u++) {
                        basis[r][u] -= product * basis[s][u];
                    }
                }
                double square = 0;
                for (double value : basis[r]) {
                    square += value * value;
                }
                double scale = square > 0 ? 1 / Math.sqrt(square) : 0;
                for (int u = 0; u < basis[r].length; u++) {
                    basis[r][u] *= scale;
                }
            }
        }
    }
}
