package dev.lte.core.schema;

import java.util.ArrayList;
import java.util.List;

/**
 * A set of Unicode scalar values as sorted ranges.
 *
 * @param bounds pairs of first and last, ascending, not touching; surrogates are in none
 */
record CodePoints(List<int[]> bounds) {
    private static final int LAST = Character.MAX_CODE_POINT;

    /** Every scalar value. */
    static final CodePoints ALL = of(0, LAST);

    static final CodePoints DIGITS = of('0', '9');
    static final CodePoints WORD = of('a', 'z', 'A', 'Z', '0', '9', '_', '_');

    /** White space and line ends of ECMAScript. */
    static final CodePoints SPACE = of(
            9, 13, ' ', ' ', 0xA0, 0xA0, 0x1680, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029, 0x202F, 0x202F, 0x205F, 0x205F,
            0x3000, 0x3000, 0xFEFF, 0xFEFF);

    /** What {@code .} does not match. */
    static final CodePoints LINE_ENDS = of('\n', '\n', '\r', '\r', 0x2028, 0x2029);

    /** @param bounds pairs of first and last in any order */
    static CodePoints of(int... bounds) {
        List<int[]> ranges = new ArrayList<>();
        for (int i = 0; i < bounds.length; i += 2) {
            ranges.add(new int[] {bounds[i], bounds[i + 1]});
        }
        return union(ranges);
    }

    static CodePoints union(List<int[]> ranges) {
        List<int[]> sorted = new ArrayList<>();
        for (int[] range : ranges) {
            addWithoutSurrogates(range[0], range[1], sorted);
        }
        sorted.sort((a, b) -> Integer.compare(a[0], b[0]));
        List<int[]> merged = new ArrayList<>();
        for (int[] range : sorted) {
            int[] last = merged.isEmpty() ? null : merged.getLast();
            if (last != null && range[0] <= last[1] + 1) {
                last[1] = Math.max(last[1], range[1]);
            } else {
                merged.add(range.clone());
            }
        }
        return new CodePoints(List.copyOf(merged));
    }

    private static void addWithoutSurrogates(int first, int last, List<int[]> to) {
        if (first < Character.MIN_SURROGATE) {
            to.add(new int[] {first, Math.min(last, Character.MIN_SURROGATE - 1)});
        }
        if (last > Character.MAX_SURROGATE) {
            to.add(new int[] {Math.max(first, Character.MAX_SURROGATE + 1), last});
        }
    }

    CodePoints complement() {
        List<int[]> others = new ArrayList<>();
        int from = 0;
        for (int[] range : bounds) {
            if (range[0] > from) {
                others.add(new int[] {from, range[0] - 1});
            }
            from = range[1] + 1;
        }
        if (from <= LAST) {
            others.add(new int[] {from, LAST});
        }
        return union(others);
    }

    boolean isEmpty() {
        return bounds.isEmpty();
    }
}
