package dev.lte.core.convert;

import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.WeightRole;

/**
 * The order of query and key rows that turns one pairing of rotated columns into the other. Pair i of a head stands in
 * columns (2i, 2i + 1) or (i, i + rotated/2); the columns behind the rotated ones stay.
 */
final class HeadRows {
    private HeadRows() {}

    /**
     * @param to the pairing of the result
     * @return for each row of the result, the row that it comes from
     */
    static int[] order(int heads, int headSize, int rotated, Pairing to) {
        int[] order = new int[heads * headSize];
        for (int head = 0; head < heads; head++) {
            int first = head * headSize;
            for (int column = 0; column < headSize; column++) {
                order[first + column] = first + source(column, rotated, to);
            }
        }
        return order;
    }

    /** How many heads the rows (or elements) of a weight belong to if they are rotated; 0 for other weights. */
    static int heads(WeightRole role, ModelConfig config) {
        return switch (role) {
            case QUERY, QUERY_BIAS -> config.heads();
            case KEY, KEY_BIAS -> config.keyValueHeads();
            default -> 0;
        };
    }

    private static int source(int column, int rotated, Pairing to) {
        if (column >= rotated) {
            return column;
        }
        int half = rotated / 2;
        return to == Pairing.ADJACENT ? column % 2 * half + column / 2 : column % half * 2 + column / half;
    }
}
