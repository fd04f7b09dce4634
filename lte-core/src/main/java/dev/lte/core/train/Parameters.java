package dev.lte.core.train;

import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.ParameterState;
import dev.lte.backend.Tensor;
import dev.lte.core.arch.WeightRole;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** All parameters of a model, in the order in which layers asked for them. Not thread-safe. */
public final class Parameters {
    private final WeightValues values;
    private final TrainingMemory memory;
    private final KernelQueue queue;
    private final DType type;
    private final List<Parameter> all = new ArrayList<>();

    /** @param type F32, or BF16 for copies of that type beside the masters */
    Parameters(WeightValues values, TrainingMemory memory, KernelQueue queue, DType type) {
        this.values = values;
        this.memory = memory;
        this.queue = queue;
        this.type = type;
    }

    public List<Parameter> all() {
        return List.copyOf(all);
    }

    /** Those of a group that are trained. */
    public List<Parameter> trained(Parameter.Group group) {
        return all.stream()
                .filter(parameter -> parameter.group() == group && parameter.isTrained())
                .toList();
    }

    /** Freezes or unfreezes a group. */
    public void setTrained(Parameter.Group group, boolean trained) {
        all.stream().filter(parameter -> parameter.group() == group).forEach(p -> p.setTrained(trained));
    }

    /** Number of weights. */
    public long count() {
        long count = 0;
        for (Parameter parameter : all) {
            Tensor master = parameter.state().master();
            count += (long) master.rows() * master.columns();
        }
        return count;
    }

    /**
     * The parameter that stacks weights of these roles.
     *
     * @throws IllegalArgumentException if a weight is missing or has another width
     */
    Parameter add(int layer, WeightRole... roles) {
        Parameter parameter = find(layer, roles);
        if (parameter == null) {
            throw new IllegalArgumentException("the model has no " + roles[0] + " in layer " + layer);
        }
        return parameter;
    }

    /** As {@link #add}, or null if the model has none of them; one already added is found again. */
    @Nullable
    Parameter find(int layer, WeightRole... roles) {
        for (Parameter parameter : all) {
            if (parameter.find(roles[0], layer) != null) {
                return parameter;
            }
        }
        List<Matrix> weights = new ArrayList<>();
        List<Parameter.Part> parts = new ArrayList<>();
        int size = 0;
        for (WeightRole role : roles) {
            Matrix weight = values.find(role, layer);
            if (weight != null) {
                // Vectors are stacked side by side, matrices one above the other.
                int count = weight.rows() == 1 ? weight.columns() : weight.rows();
                parts.add(new Parameter.Part(role, layer, size, count));
                weights.add(weight);
                size += count;
            }
        }
        if (weights.isEmpty()) {
            return null;
        }
        if (weights.size() != roles.length) {
            throw new IllegalArgumentException("layer " + layer + " has only some of " + List.of(roles));
        }
        Parameter parameter = create(weights, parts, size);
        all.add(parameter);
        return parameter;
    }

    private Parameter create(List<Matrix> weights, List<Parameter.Part> parts, int size) {
        Matrix first = weights.getFirst();
        boolean vectors = first.rows() == 1 && weights.stream().allMatch(weight -> weight.rows() == 1);
        int rows = vectors ? 1 : size;
        int columns = vectors ? size : first.columns();
        for (Matrix weight : weights) {
            if (!vectors && weight.columns() != columns) {
                throw new IllegalArgumentException("expected weights of " + columns + " columns to stack, found "
                        + weight.rows() + " x " + weight.columns());
            }
        }
        Tensor copy = type == DType.F32 ? null : memory.allocate(type, rows, columns);
        ParameterState state = new ParameterState(
                memory.allocate(DType.F32, rows, columns),
                copy,
                memory.allocate(DType.F32, rows, columns),
                memory.allocate(DType.F32, rows, columns),
                memory.allocate(DType.F32, rows, columns));
        boolean router = parts.getFirst().role() == WeightRole.ROUTER;
        Parameter parameter = new Parameter(parts, router ? Parameter.Group.ROUTER : Parameter.Group.MODEL, state);
        for (int i = 0; i < weights.size(); i++) {
            write(parameter, parts.get(i), weights.get(i));
        }
        return parameter;
    }

    /** The current value of a weight, or null if the model has none; waits for the queue. */
    public @Nullable Matrix value(WeightRole role, int layer) {
        return read(role, layer, ParameterState::master);
    }

    /** What training keeps of a weight from step to step. */
    public enum Slot {
        /** The weight itself. */
        MASTER(ParameterState::master),
        /** The running mean of its gradient. */
        MEAN(ParameterState::mean),
        /** The running mean of its squared gradient. */
        SQUARE(ParameterState::square);

        private final Function<ParameterState, Tensor> tensor;

        Slot(Function<ParameterState, Tensor> tensor) {
            this.tensor = tensor;
        }
    }

    /** As {@link #value}, of any slot. */
    public @Nullable Matrix value(Slot slot, WeightRole role, int layer) {
        return read(role, layer, slot.tensor);
    }

    /** Rows and columns of a weight, or null if the model has none. */
    public int @Nullable [] shape(WeightRole role, int layer) {
        for (Parameter parameter : all) {
            Parameter.Part part = parameter.find(role, layer);
            if (part != null) {
                Tensor master = parameter.view(part, parameter.state().master());
                return new int[] {master.rows(), master.columns()};
            }
        }
        return null;
    }

    /** The accumulated gradient of a weight, or null if the model has no such weight; waits for the queue. */
    public @Nullable Matrix gradient(WeightRole role, int layer) {
        return read(role, layer, ParameterState::gradient);
    }

    /**
     * Overwrites a weight.
     *
     * @throws IllegalArgumentException if the model has none of this role and shape
     */
    public void set(WeightRole role, int layer, Matrix weight) {
        set(Slot.MASTER, role, layer, weight);
    }

    /** As {@link #set(WeightRole, int, Matrix)}, of any slot. */
    public void set(Slot slot, WeightRole role, int layer, Matrix weight) {
        for (Parameter parameter : all) {
            Parameter.Part part = parameter.find(role, layer);
            if (part != null) {
                Tensor master = parameter.view(part, parameter.state().master());
                if (master.rows() != weight.rows() || master.columns() != weight.columns()) {
                    throw new IllegalArgumentException("expected " + master.rows() + " x " + master.columns() + " for "
                            + role + ", found " + weight.rows() + " x " + weight.columns());
                }
                if (slot == Slot.MASTER) {
                    write(parameter, part, weight);
                } else {
                    queue.write(parameter.view(part, slot.tensor.apply(parameter.state())), weight.values());
                }
                return;
            }
        }
        throw new IllegalArgumentException("the model has no " + role + " in layer " + layer);
    }

    private void write(Parameter parameter, Parameter.Part part, Matrix weight) {
        queue.write(parameter.view(part, parameter.state().master()), weight.values());
        Tensor copy = parameter.state().copy();
        if (copy != null) {
            queue.write(parameter.view(part, copy), weight.values());
        }
    }

    private @Nullable Matrix read(WeightRole role, int layer, Function<ParameterState, Tensor> which) {
        for (Parameter parameter : all) {
            Parameter.Part part = parameter.find(role, layer);
            if (part != null) {
                Tensor view = parameter.view(part, which.apply(parameter.state()));
                float[] weights = new float[view.rows() * view.columns()];
                queue.read(view, weights);
                return new Matrix(view.rows(), view.columns(), weights);
            }
        }
        return null;
    }
}
