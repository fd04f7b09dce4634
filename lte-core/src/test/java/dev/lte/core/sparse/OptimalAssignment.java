package dev.lte.core.sparse;

import java.util.Arrays;

/**
 * The balanced assignment of least cost, exactly: shortest augmenting paths with potentials (Jonker and Volgenant, 1987), each
 * expert as M columns of equal cost. O(F^3): an oracle for small matrices.
 */
final class OptimalAssignment {
    private OptimalAssignment() {}

    /**
     * @param cost (F, N)
     * @return (F), the expert of each neuron
     */
    static int[] of(double[][] cost, int places) {
        int size = cost.length;
        double[] rowPotential = new double[size + 1];
        double[] columnPotential = new double[size + 1];
        int[] rowOfColumn = new int[size + 1];
        int[] cameFrom = new int[size + 1];
        for (int row = 1; row <= size; row++) {
            rowOfColumn[0] = row;
            int column = 0;
            double[] least = new double[size + 1];
            Arrays.fill(least, Double.POSITIVE_INFINITY);
            boolean[] done = new boolean[size + 1];
            do {
                done[column] = true;
                int from = rowOfColumn[column];
                double delta = Double.POSITIVE_INFINITY;
                int next = 0;
                for (int j = 1; j <= size; j++) {
                    if (!done[j]) {
                        double reduced = cost[from - 1][(j - 1) / places] - rowPotential[from] - columnPotential[j];
                        if (reduced < least[j]) {
                            least[j] = reduced;
                            cameFrom[j] = column;
                        }
                        if (least[j] < delta) {
                            delta = least[j];
                            next = j;
                        }
                    }
                }
                for (int j = 0; j <= size; j++) {
                    if (done[j]) {
                        rowPotential[rowOfColumn[j]] += delta;
                        columnPotential[j] -= delta;
                    } else {
                        least[j] -= delta;
                    }
                }
                column = next;
            } while (rowOfColumn[column] != 0);
            while (column != 0) {
                int previous = cameFrom[column];
                rowOfColumn[column] = rowOfColumn[previous];
                column = previous;
            }
        }
        int[] expertOfNeuron = new int[size];
        for (int j = 1; j <= size; j++) {
            expertOfNeuron[rowOfColumn[j] - 1] = (j - 1) / places;
        }
        return expertOfNeuron;
    }
}
