package dev.lte.cpu;

import java.util.Arrays;

/**
 * Which rows of a group want which expert: the selection turned round, so that an expert's weights are read once for all its
 * rows. Buffers grow once and stay. Used by one thread at a time.
 */
final class ExpertRows {
    private int[] experts = {};
    private int[] starts = {};
    private int[] rows = {};
    private int count;

    /** Every expert runs on every row. */
    void all(int expertCount, int firstRow, int rowCount) {
        reserve(expertCount, expertCount * rowCount);
        count = expertCount;
        for (int e = 0; e < expertCount; e++) {
            experts[e] = e;
            starts[e] = e * rowCount;
            for (int r = 0; r < rowCount; r++) {
                rows[e * rowCount + r] = firstRow + r;
            }
        }
        starts[expertCount] = expertCount * rowCount;
    }

    /** The experts that the lists of rows {@code firstRow} and following name; entries outside the block are dropped. */
    void selected(int expertCount, CpuTensor lists, CpuTensor counts, int firstRow, int rowCount) {
        reserve(expertCount, expertCount * rowCount);
        int[] list = lists.ints();
        int[] length = counts.ints();
        // starts[e + 1] counts the rows of expert e, then becomes the end of its run while the rows are filled in.
        Arrays.fill(starts, 0, expertCount + 1, 0);
        for (int r = firstRow; r < firstRow + rowCount; r++) {
            int from = lists.rowStart(r);
            int to = from + Math.clamp(length[counts.rowStart(r)], 0, lists.columns());
            for (int i = from; i < to; i++) {
                if (list[i] >= 0 && list[i] < expertCount) {
                    starts[list[i] + 1]++;
                }
            }
        }
        for (int e = 0; e < expertCount; e++) {
            starts[e + 1] += starts[e];
        }
        for (int r = firstRow; r < firstRow + rowCount; r++) {
            int from = lists.rowStart(r);
            int to = from + Math.clamp(length[counts.rowStart(r)], 0, lists.columns());
            for (int i = from; i < to; i++) {
                if (list[i] >= 0 && list[i] < expertCount) {
                    rows[starts[list[i]]++] = r;
                }
            }
        }
        // Each start has moved to its run's end, which is the next one's start. Keep experts with rows only.
        count = 0;
        int previous = 0;
        for (int e = 0; e < expertCount; e++) {
            int end = starts[e];
            if (end > previous) {
                experts[count] = e;
                starts[count++] = previous;
                previous = end;
            }
        }
        starts[count] = previous;
    }

    private void reserve(int expertCount, int rowCount) {
        if (experts.length < expertCount) {
            experts = new int[expertCount];
            starts = new int[expertCount + 1];
        }
        if (rows.length < rowCount) {
            rows = new int[rowCount];
        }
    }

    /** Experts that have rows. */
    int count() {
        return count;
    }

    /** How many of them are below {@code expert}. */
    int indexOf(int expert) {
        int i = Arrays.binarySearch(experts, 0, count, expert);
        return i < 0 ? -i - 1 : i;
    }

    /** The i-th expert, ascending. */
    int expert(int i) {
        return experts[i];
    }

    /** Where the rows of the i-th expert begin in {@link #rows}; those of the last end at {@code start(count())}. */
    int start(int i) {
        return starts[i];
    }

    int[] rows() {
        return rows;
    }
}
