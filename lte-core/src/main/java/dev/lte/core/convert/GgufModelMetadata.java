package dev.lte.core.convert;

import dev.lte.UnsupportedModelException;
import dev.lte.WeightType;
import dev.lte.backend.NormSpec;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Layer;
import dev.lte.core.source.Activations;
import dev.lte.core.source.Family;
import dev.lte.core.source.Family.Trait;
import dev.lte.core.source.GgufKeys;
import dev.lte.core.source.LteRouting;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The metadata of a model as llama.cpp names it. What equals the value that readers assume is left out where readers of the
 * family do not know its key.
 */
final class GgufModelMetadata {
    private final ModelConfig config;
    private final Family family;
    private final Map<String, Object> pairs = new LinkedHashMap<>();

    private GgufModelMetadata(ModelConfig config, Family family) {
        this.config = config;
        this.family = family;
    }

    /** @param ropes keys of the rotations, without the architecture's name */
    static Map<String, Object> of(ModelConfig config, String name, WeightType type, Map<String, Object> ropes) {
        Family family = Family.of(config.architecture());
        GgufModelMetadata writer = new GgufModelMetadata(config, family);
        writer.pairs.put(GgufKeys.ARCHITECTURE, family.gguf());
        writer.pairs.put(GgufKeys.NAME, name);
        writer.pairs.put(GgufKeys.FILE_TYPE, fileType(type));
        writer.pairs.put(GgufKeys.QUANTIZATION_VERSION, 2L);
        writer.sizes();
        writer.attention();
        writer.windows();
        ropes.forEach(writer::put);
        if (config.classes() > 0) {
            writer.put(GgufKeys.CAUSAL, false);
            writer.put(GgufKeys.POOLING, GgufKeys.RANK);
            writer.put(GgufKeys.LABELS, config.classLabels().toArray(String[]::new));
        }
        ModelConfig.Routing routing = config.routing();
        if (routing != null) {
            writer.pairs.put(GgufKeys.LTE_VERSION, (long) LteRouting.version(routing));
            writer.pairs.put(GgufKeys.LTE_EXPERT_SIZE, (long) routing.expertSize());
            writer.pairs.put(GgufKeys.LTE_THRESHOLD, routing.threshold());
            if (routing.topK() > 0) {
                writer.pairs.put(GgufKeys.LTE_TOP_K, (long) routing.topK());
            }
        }
        return writer.pairs;
    }

    private void put(String key, Object value) {
        pairs.put(family.gguf() + "." + key, value);
    }

    private void sizes() {
        put(GgufKeys.VOCABULARY, (long) config.vocabulary());
        put(GgufKeys.CONTEXT, (long) config.contextLength());
        put(GgufKeys.MODEL, (long) config.model());
        put(GgufKeys.LAYERS, (long) config.layers().size());
        put(GgufKeys.FFN, (long) config.ffn());
        boolean rms = config.norm().kind() == NormSpec.Kind.RMS;
        put(rms ? GgufKeys.RMS_EPSILON : GgufKeys.LAYER_EPSILON, config.norm().epsilon());
        if (config.activation() != family.activation()) {
            put(GgufKeys.ACTIVATION, Activations.nameOf(config.activation()));
        }
        float usual = family.has(Trait.GEMMA) ? (float) Math.sqrt(config.model()) : 1;
        if (config.embeddingScale() != usual) {
            put(GgufKeys.EMBEDDING_SCALE, config.embeddingScale());
        }
    }

    private void attention() {
        put(GgufKeys.HEADS, (long) config.heads());
        put(GgufKeys.KEY_VALUE_HEADS, (long) config.keyValueHeads());
        put(GgufKeys.KEY_LENGTH, (long) config.headSize());
        put(GgufKeys.VALUE_LENGTH, (long) config.headSize());
        float usual = (float) (1 / Math.sqrt(config.headSize()));
        if (config.attentionScale() != usual || family.has(Trait.GEMMA)) {
            put(GgufKeys.ATTENTION_SCALE, config.attentionScale());
        }
        // Readers of Gemma 2 assume its own caps, so that none has to be said.
        if (config.attentionSoftcap() != 0 || family == Family.GEMMA2) {
            put(GgufKeys.ATTENTION_SOFTCAP, config.attentionSoftcap());
        }
        if (config.finalSoftcap() != 0 || family == Family.GEMMA2) {
            put(GgufKeys.FINAL_SOFTCAP, config.finalSoftcap());
        }
    }

    private void windows() {
        boolean[] sliding = new boolean[config.layers().size()];
        int size = 0;
        boolean two = config.ropes().size() > 1;
        for (int i = 0; i < sliding.length; i++) {
            Layer layer = config.layers().get(i);
            sliding[i] = layer.window() > 0;
            if (sliding[i] && size != 0 && size != layer.window() || two && (layer.rope() == 1) != sliding[i]) {
                throw new UnsupportedModelException(
                        "GGUF has no place for windows of several sizes, or for layers whose rotation does not go with"
                                + " their window",
                        "convert to safetensors instead");
            }
            size = Math.max(size, layer.window());
        }
        if (size > 0 || family == Family.GEMMA2) {
            put(GgufKeys.WINDOW, (long) size);
        }
        if (size > 0 && !isUsual(sliding)) {
            put(GgufKeys.WINDOW_PATTERN, sliding);
        }
    }

    /** Whether readers of the family assume this pattern. */
    private boolean isUsual(boolean[] sliding) {
        for (int layer = 0; layer < sliding.length; layer++) {
            boolean usual = switch (family) {
                case GEMMA2 -> layer % 2 == 0;
                case GEMMA3 -> layer % 6 != 5;
                case QWEN2, QWEN3 -> !sliding[layer];
                default -> true;
            };
            if (usual != sliding[layer]) {
                return false;
            }
        }
        return true;
    }

    /** llama.cpp's number for a file of mostly this type. */
    private static long fileType(WeightType type) {
        return switch (type) {
            case F32 -> 0;
            case F16 -> 1;
            case Q4_0 -> 2;
            case Q8_0 -> 7;
            case Q4_K -> 14;
            case Q6_K -> 18;
            case BF16 -> 32;
        };
    }
}
