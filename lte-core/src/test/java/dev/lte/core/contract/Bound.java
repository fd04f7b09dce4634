package dev.lte.core.contract;

import com.google.common.base.Suppliers;
import java.util.function.Supplier;

/** How far an element of an output may be from the reference's. */
@FunctionalInterface
interface Bound {
    /**
     * Rounding of F32 sums, relative to the sum of the magnitudes of what is summed: 64 units in the last place, a random
     * walk over 4096 terms.
     */
    double SUM = 64 * Math.ulp(1f) / 2;

    /** A handful of F32 roundings. */
    double FEW = 16 * Math.ulp(1f);

    double allowed(int row, int column, double expected);

    /** The same bits, but for the sign of zero and the payload of NaN. */
    static Bound exact() {
        return (row, column, expected) -> 0;
    }

    /** {@code absolute + relative * |expected|}. */
    static Bound of(double absolute, double relative) {
        return (row, column, expected) -> absolute + relative * Math.abs(expected);
    }

    /** A bound that is made when an element differs for the first time, while the scenario's tensors still exist. */
    static Bound lazily(Supplier<Bound> bound) {
        Supplier<Bound> made = Suppliers.memoize(bound::get);
        return (row, column, expected) -> made.get().allowed(row, column, expected);
    }
}
