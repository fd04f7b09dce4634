package dev.lte.core.train;

import dev.lte.backend.ParameterState;
import dev.lte.backend.Tensor;
import dev.lte.core.arch.WeightRole;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tensor that training changes: one or more weights of the model, stacked by rows so that they are one product (or by columns,
 * for biases of such a stack).
 */
public final class Parameter {
    /** Which optimiser settings apply. */
    public enum Group {
        MODEL,
        ROUTER
    }

    /**
     * A weight of the model within a parameter.
     *
     * @param from its first row, or column of a vector
     * @param count its rows, or columns of a vector
     */
    record Part(WeightRole role, int layer, int from, int count) {}

    private final List<Part> parts;
    private final Group group;
    private final ParameterState state;
    private boolean trained = true;

    Parameter(List<Part> parts, Group group, ParameterState state) {
        this.parts = List.copyOf(parts);
        this.group = group;
        this.state = state;
    }

    List<Part> parts() {
        return parts;
    }

    public Group group() {
        return group;
    }

    public ParameterState state() {
        return state;
    }

    /** What the model computes with: the copy in the type of products, or the master itself. */
    Tensor value() {
        Tensor copy = state.copy();
        return copy == null ? state.master() : copy;
    }

    Tensor gradient() {
        return state.gradient();
    }

    /** Whether gradients are computed and steps taken. */
    public boolean isTrained() {
        return trained;
    }

    public void setTrained(boolean trained) {
        this.trained = trained;
    }

    /** Where a part is within a tensor of the parameter's shape; null stands for no such part. */
    @Nullable
    Part find(WeightRole role, int layer) {
        for (Part part : parts) {
            if (part.role() == role && part.layer() == layer) {
                return part;
            }
        }
        return null;
    }

    /** A part's own range of the master, the gradient or a moment. */
    Tensor view(Part part, Tensor tensor) {
        boolean vectors = tensor.rows() == 1;
        return vectors
                ? tensor.columnRange(part.from(), part.from() + part.count())
                : tensor.rowRange(part.from(), part.from() + part.count());
    }

    @Override
    public String toString() {
        Part first = parts.getFirst();
        String name = parts.size() == 1
                ? first.role().toString()
                : parts.stream().map(Part::role).toList().toString();
        return first.role().perLayer() ? name + " of layer " + first.layer() : name;
    }
}
