package dev.lte.core.source;

import dev.lte.core.arch.WeightRole;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How a format names the weights of a family. In names, {@value #LAYER} stands for the layer's number.
 *
 * @param names of weights that stand alone
 * @param fused tensors that hold several weights, one behind the other; looked up where the first part does not stand alone
 * @param transposed weights that the file holds as (input features, output features)
 * @param ignored names of tensors that models carry but inference does not need
 */
public record TensorNames(
        Map<WeightRole, String> names, List<Fused> fused, Set<WeightRole> transposed, Predicate<String> ignored) {
    static final String LAYER = "{l}";

    /** @param parts from the first row (or element, for biases) on */
    public record Fused(String name, List<WeightRole> parts) {
        public String name(int layer) {
            return name.replace(LAYER, String.valueOf(layer));
        }
    }

    public @Nullable String name(WeightRole role, int layer) {
        String name = names.get(role);
        return name == null ? null : name.replace(LAYER, String.valueOf(layer));
    }

    /** The same with another name for one role. */
    TensorNames with(WeightRole role, String name) {
        Map<WeightRole, String> changed = new EnumMap<>(names);
        changed.put(role, name);
        return new TensorNames(changed, fused, transposed, ignored);
    }

    /** The same with more tensors that inference does not need. */
    TensorNames ignoring(Predicate<String> more) {
        return new TensorNames(names, fused, transposed, ignored.or(more));
    }

    /** A table of roles and names; a later pair replaces an earlier one. */
    static Map<WeightRole, String> table(Object... rolesAndNames) {
        Map<WeightRole, String> table = new EnumMap<>(WeightRole.class);
        for (int i = 0; i < rolesAndNames.length; i += 2) {
            table.put((WeightRole) rolesAndNames[i], (String) rolesAndNames[i + 1]);
        }
        return table;
    }
}
