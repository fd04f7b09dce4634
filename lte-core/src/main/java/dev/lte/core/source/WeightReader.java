package dev.lte.core.source;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.source.RoleNeeds.Need;
import dev.lte.core.source.TensorNames.Fused;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the weights of a model in its file and checks their shapes against the configuration. A tensor that no role claims
 * is an error: leaving it out would change what the model computes.
 */
final class WeightReader {
    private final TensorFile file;
    private final TensorNames names;
    private final ModelConfig config;
    private final RoleNeeds needs;
    private final Arena arena;
    private final Set<String> claimed = new HashSet<>();
    private final Map<String, WeightData> wholes = new HashMap<>();

    /** @param arena for copies of transposed weights */
    WeightReader(TensorFile file, TensorNames names, ModelConfig config, RoleNeeds needs, Arena arena) {
        this.file = file;
        this.names = names;
        this.config = config;
        this.needs = needs;
        this.arena = arena;
    }

    WeightTable read() {
        WeightTable table = new WeightTable(config.layers().size());
        for (WeightRole role : WeightRole.values()) {
            Need need = needs.of(role);
            int layers = role.perLayer() ? config.layers().size() : 1;
            for (int layer = 0; need != Need.NONE && layer < layers; layer++) {
                WeightData weight = find(role, layer);
                if (weight != null) {
                    table.put(role, layer, weight);
                } else if (need == Need.REQUIRED || layer > 0 && table.find(role, 0) != null) {
                    throw missing(role, layer);
                }
                if (weight != null && layer > 0 && table.find(role, 0) == null) {
                    throw missing(role, 0);
                }
            }
        }
        refuseUnclaimed();
        return table;
    }

    private @Nullable WeightData find(WeightRole role, int layer) {
        Fused fused = fusedOf(role, layer);
        if (fused != null) {
            return part(fused, role, layer);
        }
        String name = names.name(role, layer);
        TensorInfo tensor = name == null ? null : file.find(name);
        return tensor == null ? null : whole(tensor, role, WeightShapes.of(role, config));
    }

    /** The tensor that holds this weight among others, or null if it stands alone. */
    private @Nullable Fused fusedOf(WeightRole role, int layer) {
        for (Fused fused : names.fused()) {
            if (fused.parts().contains(role)) {
                String first = names.name(fused.parts().getFirst(), layer);
                if ((first == null || file.find(first) == null) && file.find(fused.name(layer)) != null) {
                    return fused;
                }
            }
        }
        return null;
    }

    private WeightData part(Fused fused, WeightRole role, int layer) {
        boolean vector = WeightShapes.isVector(role);
        int along = vector ? 1 : 0;
        long total = 0;
        long from = 0;
        for (WeightRole part : fused.parts()) {
            if (part == role) {
                from = total;
            }
            total += WeightShapes.of(part, config).get(along);
        }
        List<Long> shape = WeightShapes.of(role, config);
        List<Long> all = vector ? List.of(1L, total) : List.of(total, shape.get(1));
        TensorInfo tensor = file.find(fused.name(layer));
        if (tensor == null) {
            throw missing(role, layer);
        }
        WeightData whole = whole(tensor, role, all);
        if (!vector) {
            return whole.rowRange((int) from, (int) (from + shape.get(0)));
        }
        long size = shape.get(1);
        DType dtype = whole.dtype();
        return new WeightData(
                whole.name(), dtype, 1, (int) size, whole.bytes().asSlice(dtype.byteSize(from), dtype.byteSize(size)));
    }

    private WeightData whole(TensorInfo tensor, WeightRole role, List<Long> expected) {
        WeightData known = wholes.get(tensor.name());
        if (known != null) {
            return known;
        }
        claimed.add(tensor.name());
        boolean transposed = names.transposed().contains(role);
        List<Long> inFile = transposed ? expected.reversed() : expected;
        if (!hasShape(tensor, inFile)) {
            throw new ModelFormatException(
                    file.path(),
                    tensor.name(),
                    tensor.offset(),
                    spell(inFile, WeightShapes.isVector(role)) + " from the configuration",
                    spell(tensor.shape(), false));
        }
        checkType(tensor, role, transposed);
        WeightData weight = file.weight(tensor.name());
        if (weight == null) {
            throw new IllegalStateException(tensor.name() + " is listed but not found");
        }
        weight = transposed ? Transposer.transposed(weight, arena) : weight;
        wholes.put(tensor.name(), weight);
        return weight;
    }

    private static boolean hasShape(TensorInfo tensor, List<Long> expected) {
        List<Long> shape = tensor.shape();
        while (shape.size() > 1 && shape.getFirst() == 1) {
            shape = shape.subList(1, shape.size());
        }
        boolean oneRow = expected.get(0) == 1 || expected.get(0) == WeightShapes.ANY;
        if (shape.size() == 1) {
            return oneRow && shape.getFirst().equals(expected.get(1));
        }
        boolean rows = !shape.isEmpty()
                && (expected.get(0) == WeightShapes.ANY || shape.getFirst().equals(expected.get(0)));
        return shape.size() == 2 && rows && shape.get(1).equals(expected.get(1));
    }

    private void checkType(TensorInfo tensor, WeightRole role, boolean transposed) {
        boolean plain = WeightShapes.isVector(role) || role == WeightRole.ROUTER || transposed;
        if (tensor.dtype() == DType.I32 || plain && tensor.dtype().isQuantized()) {
            throw new ModelFormatException(
                    file.path(),
                    tensor.name(),
                    tensor.offset(),
                    plain ? "elements of type F32, F16 or BF16" : "elements of a float or block type",
                    tensor.dtype().name());
        }
    }

    private static String spell(List<Long> shape, boolean vector) {
        StringBuilder text = new StringBuilder("(");
        for (int i = vector ? 1 : 0; i < shape.size(); i++) {
            text.append(text.length() == 1 ? "" : ", ");
            text.append(shape.get(i) == WeightShapes.ANY ? "any" : shape.get(i).toString());
        }
        return text.append(')').toString();
    }

    private ModelFormatException missing(WeightRole role, int layer) {
        String name = names.name(role, layer);
        String item = name == null ? role + " of layer " + layer : name;
        String expected = "a tensor of shape "
                + spell(WeightShapes.of(role, config), WeightShapes.isVector(role))
                + (needs.of(role) == Need.OPTIONAL ? ", as other layers have it" : "");
        return Limits.invalid(file.path(), item, expected, "none");
    }

    private void refuseUnclaimed() {
        file.unsupported().forEach((name, dtype) -> {
            if (!names.ignored().test(name)) {
                throw unclaimed(name);
            }
        });
        for (TensorInfo tensor : file.tensors()) {
            if (claimed.contains(tensor.name()) || names.ignored().test(tensor.name())) {
                continue;
            }
            if (isRouter(tensor.name())) {
                throw new ModelFormatException(
                        file.path(),
                        tensor.name(),
                        tensor.offset(),
                        "routers only beside the routing's expert size and threshold, one in each of "
                                + config.layers().size() + " layers",
                        "a router");
            }
            throw unclaimed(tensor.name());
        }
    }

    private UnsupportedModelException unclaimed(String name) {
        return new UnsupportedModelException(
                file.path() + ": the tensor " + name + " has no use in a model of architecture "
                        + config.architecture(),
                "use a checkpoint without additions to its architecture");
    }

    private boolean isRouter(String name) {
        String pattern = names.names().get(WeightRole.ROUTER);
        if (pattern == null) {
            return false;
        }
        int at = pattern.indexOf(TensorNames.LAYER);
        return name.startsWith(pattern.substring(0, at))
                && name.endsWith(pattern.substring(at + TensorNames.LAYER.length()));
    }
}
