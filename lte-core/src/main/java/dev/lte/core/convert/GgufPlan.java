package dev.lte.core.convert;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.WeightType;
import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Rope;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.convert.PlannedTensor.Part;
import dev.lte.core.source.Family;
import dev.lte.core.source.GgufNames;
import dev.lte.core.source.WeightShapes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which tensors a model becomes in GGUF: named as llama.cpp names them, query and key rows of Llama in the order of its
 * pairing, norms with their 1, positions without the offset.
 */
final class GgufPlan {
    private static final Set<WeightRole> REST_OF_FUSED = EnumSet.of(KEY, VALUE, KEY_BIAS, VALUE_BIAS, UP);

    private final ModelSource source;
    private final ModelConfig config;
    private final Family family;
    private final WeightType type;

    GgufPlan(ModelSource source, WeightType type) {
        this.source = source;
        this.type = type;
        config = source.config();
        family = Family.of(config.architecture());
    }

    List<PlannedTensor> tensors() {
        List<PlannedTensor> tensors = new ArrayList<>();
        for (WeightRole role : WeightRole.values()) {
            if (!role.perLayer()) {
                add(tensors, role, 0);
            }
        }
        for (int layer = 0; layer < config.layers().size(); layer++) {
            for (WeightRole role : WeightRole.values()) {
                if (role.perLayer()) {
                    add(tensors, role, layer);
                }
            }
        }
        return tensors;
    }

    private void add(List<PlannedTensor> tensors, WeightRole role, int layer) {
        WeightData weight = source.find(role, layer);
        if (weight == null) {
            return;
        }
        List<WeightRole> fused = fused(role);
        if (!fused.isEmpty() && REST_OF_FUSED.contains(role)) {
            return;
        }
        boolean isHead =
                role == HEAD || role == TOKEN_EMBEDDING && source.find(HEAD, 0) == null && config.classes() == 0;
        TargetTypes target = TargetTypes.of(role, weight, type, isHead);
        List<Part> parts = new ArrayList<>();
        for (WeightRole part : fused.isEmpty() ? List.of(role) : fused) {
            parts.add(part(part, layer));
        }
        String name = fused.isEmpty() ? GgufNames.name(role, layer, config.normPlacement()) : fusedName(role, layer);
        float added = isNorm(role) ? config.norm().weightOffset() : 0;
        tensors.add(new PlannedTensor(name, target.dtype(), WeightShapes.isVector(role), parts, added, target.note()));
    }

    private Part part(WeightRole role, int layer) {
        WeightData weight = source.get(role, layer);
        if (role == POSITION_EMBEDDING) {
            weight = weight.rowRange(config.positionOffset(), weight.rows());
        }
        return new Part(weight, order(role, layer));
    }

    /** The weights that llama.cpp's files of the family hold in one tensor with this one; none if it stands alone. */
    private List<WeightRole> fused(WeightRole role) {
        boolean attention = family == Family.PHI3 || family == Family.GPT2;
        return switch (role) {
            case QUERY, KEY, VALUE -> attention ? List.of(QUERY, KEY, VALUE) : List.of();
            case QUERY_BIAS, KEY_BIAS, VALUE_BIAS -> attention ? List.of(QUERY_BIAS, KEY_BIAS, VALUE_BIAS) : List.of();
            case GATE, UP -> family == Family.PHI3 ? List.of(GATE, UP) : List.of();
            default -> List.of();
        };
    }

    private static String fusedName(WeightRole first, int layer) {
        return "blk." + layer
                + switch (first) {
                    case QUERY -> ".attn_qkv.weight";
                    case QUERY_BIAS -> ".attn_qkv.bias";
                    case GATE -> ".ffn_up.weight";
                    default -> throw new IllegalArgumentException(first + " does not begin a fused tensor");
                };
    }

    private static boolean isNorm(WeightRole role) {
        return WeightShapes.isVector(role) && !role.name().endsWith("_BIAS");
    }

    private int @Nullable [] order(WeightRole role, int layer) {
        int heads = HeadRows.heads(role, config);
        int index = config.layers().get(layer).rope();
        if (heads == 0 || index < 0) {
            return null;
        }
        Rope rope = config.ropes().get(index);
        Pairing wanted = family.gguf().equals("llama") ? Pairing.ADJACENT : Pairing.HALVES;
        int rotated = 2 * rope.inverseFrequencies().size();
        return rope.pairing() == wanted ? null : HeadRows.order(heads, config.headSize(), rotated, wanted);
    }
}
