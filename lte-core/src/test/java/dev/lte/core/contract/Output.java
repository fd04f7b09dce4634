package dev.lte.core.contract;

import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;

/**
 * A tensor that a scenario's kernels read or write, and the larger one around it. What lies around must keep its bits; what
 * lies inside is compared with the reference, or must keep its bits too if it is an input.
 */
final class Output {
    private final String name;
    private final Tensor whole;
    private final Tensor tensor;
    private final int firstRow;
    private final int firstColumn;
    private final boolean input;
    private float[] floatsBefore = {};
    private int[] integersBefore = {};
    private Bound bound = Bound.exact();
    private boolean undefined;

    Output(String name, Tensor whole, Tensor tensor, int firstRow, int firstColumn, boolean input) {
        this.name = name;
        this.whole = whole;
        this.tensor = tensor;
        this.firstRow = firstRow;
        this.firstColumn = firstColumn;
        this.input = input;
    }

    /** What kernels are given. */
    Tensor tensor() {
        return tensor;
    }

    Tensor whole() {
        return whole;
    }

    /** Exact if nothing else is said. */
    Output within(Bound bound) {
        this.bound = bound;
        return this;
    }

    /** Leaves the contents out of the comparison; the surroundings stay in it. */
    Output undefined() {
        undefined = true;
        return this;
    }

    private boolean integers() {
        return whole.dtype() == DType.I32;
    }

    /** Remembers the contents before any kernel ran. */
    void remember(KernelQueue queue) {
        if (integers()) {
            integersBefore = integers(queue, whole);
        } else {
            floatsBefore = floats(queue, whole);
        }
    }

    /** Checks that nothing but the tensor changed, and not even that if it is an input. */
    void checkSurroundings(KernelQueue queue, String what) {
        if (integers()) {
            int[] after = integers(queue, whole);
            for (int i = 0; i < after.length; i++) {
                if (after[i] != integersBefore[i] && mustStay(i)) {
                    fail(what, i, String.valueOf(integersBefore[i]), String.valueOf(after[i]));
                }
            }
        } else {
            float[] after = floats(queue, whole);
            for (int i = 0; i < after.length; i++) {
                if (Float.floatToIntBits(after[i]) != Float.floatToIntBits(floatsBefore[i]) && mustStay(i)) {
                    fail(what, i, String.valueOf(floatsBefore[i]), String.valueOf(after[i]));
                }
            }
        }
    }

    private boolean mustStay(int index) {
        int row = index / whole.columns() - firstRow;
        int column = index % whole.columns() - firstColumn;
        return input || row < 0 || row >= tensor.rows() || column < 0 || column >= tensor.columns();
    }

    private void fail(String what, int index, String before, String after) {
        int row = index / whole.columns() - firstRow;
        int column = index % whole.columns() - firstColumn;
        throw new AssertionError(what + ": " + (input ? "the input " : "around ") + name + " (" + tensor.rows() + " x "
                + tensor.columns() + ") element [" + row + "][" + column + "] was changed from " + before + " to "
                + after);
    }

    /** Compares with the same output of the reference, whose bound counts. */
    void compare(KernelQueue queue, Output expected, KernelQueue expectedQueue, String what) {
        if (input || undefined) {
            return;
        }
        if (integers()) {
            int[] want = integers(expectedQueue, expected.tensor);
            int[] got = integers(queue, tensor);
            for (int i = 0; i < want.length; i++) {
                if (want[i] != got[i]) {
                    mismatch(what, name, tensor.columns(), i, String.valueOf(want[i]), String.valueOf(got[i]), 0);
                }
            }
            return;
        }
        float[] want = floats(expectedQueue, expected.tensor);
        compare(what, name, want, floats(queue, tensor), tensor.columns(), expected.bound);
    }

    /** Compares rows of {@code columns} values; a bound of infinity leaves an element out. */
    static void compare(String what, String name, float[] want, float[] got, int columns, Bound bound) {
        for (int i = 0; i < want.length; i++) {
            if (want[i] == got[i] || Float.isNaN(want[i]) && Float.isNaN(got[i])) {
                continue;
            }
            double allowed = bound.allowed(i / columns, i % columns, want[i]);
            if (allowed != Double.POSITIVE_INFINITY && !(Math.abs((double) want[i] - got[i]) <= allowed)) {
                mismatch(what, name, columns, i, String.valueOf(want[i]), String.valueOf(got[i]), allowed);
            }
        }
    }

    private static void mismatch(
            String what, String name, int columns, int index, String want, String got, double allowed) {
        throw new AssertionError(what + ": " + name + "[" + index / columns + "][" + index % columns + "]: expected "
                + want + ", found " + got + ", allowed difference " + allowed);
    }

    static float[] floats(KernelQueue queue, Tensor tensor) {
        float[] values = new float[tensor.rows() * tensor.columns()];
        queue.read(tensor, values);
        return values;
    }

    static int[] integers(KernelQueue queue, Tensor tensor) {
        int[] values = new int[tensor.rows() * tensor.columns()];
        queue.read(tensor, values);
        return values;
    }
}
