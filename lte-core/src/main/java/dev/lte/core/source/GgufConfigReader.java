package dev.lte.core.source;

import dev.lte.UnsupportedModelException;
import dev.lte.backend.Activation;
import dev.lte.backend.NormSpec;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Layer;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.ModelConfig.Routing;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.gguf.GgufMetadata;
import dev.lte.core.source.Family.Trait;
import dev.lte.core.source.RoleNeeds.Need;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads the configuration of a GGUF model with llama.cpp's defaults for what a file leaves out. */
final class GgufConfigReader {
    /** Numbers that would change results, and the only value that is supported. */
    private static final Map<String, Double> NEUTRAL = Map.of(
            "expert_count", 0.0,
            "logit_scale", 0.0,
            "residual_scale", 0.0,
            "attention.clamp_kqv", 0.0,
            "attention.max_alibi_bias", 0.0,
            "attention.temperature_scale", 0.0,
            "rope.scaling.yarn_log_multiplier", 0.0,
            "rope.scaling.yarn_ext_factor", 1.0,
            "rope.scaling.yarn_attn_factor", 1.0);

    /** Gemma 27B, second and third, scale queries by the width of a head as if heads filled the model's. */
    private static final Map<Family, Integer> LAYERS_OF_27B = Map.of(Family.GEMMA2, 46, Family.GEMMA3, 62);

    private final Path file;
    private final GgufMetadata metadata;
    private final TensorFile tensors;
    private final Family family;
    private final GgufValues values;

    private GgufConfigReader(GgufMetadata metadata, TensorFile tensors, Family family, String architecture) {
        file = tensors.path();
        this.metadata = metadata;
        this.tensors = tensors;
        this.family = family;
        values = new GgufValues(file, metadata, architecture);
    }

    static SourceModel read(GgufMetadata metadata, TensorFile tensors) {
        String architecture = metadata.string(GgufKeys.ARCHITECTURE);
        Family family = Family.ofGguf(architecture);
        if (family == null) {
            throw Limits.unsupported(tensors.path(), GgufKeys.ARCHITECTURE, architecture, Family.ggufKnown());
        }
        return new GgufConfigReader(metadata, tensors, family, architecture).read();
    }

    private SourceModel read() {
        refuse();
        int model = values.count(GgufKeys.MODEL, Limits.DIMENSION);
        int layers = values.count(GgufKeys.LAYERS, Limits.LAYERS);
        int ffn = values.uniform(GgufKeys.FFN, 0, Limits.DIMENSION);
        int heads = values.uniform(GgufKeys.HEADS, 0, Limits.DIMENSION);
        int keyValueHeads = values.uniform(GgufKeys.KEY_VALUE_HEADS, heads, Limits.DIMENSION);
        int headSize = headSize(model, heads);
        int context = values.count(GgufKeys.CONTEXT, Limits.CONTEXT);
        SlidingWindows windows = GgufWindows.read(values, family, layers);
        Ropes ropes = family.has(Trait.LEARNED_POSITIONS)
                ? Ropes.none(context)
                : GgufRopes.read(values, tensors, family, headSize, context);
        List<Layer> list = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            list.add(new Layer(windows.window(layer), ropes.ropeOf(windows.isSliding(layer))));
        }
        List<String> labels = family.has(Trait.ENCODER) ? labels() : List.of();
        boolean rms = family.normKind() == NormSpec.Kind.RMS;
        double epsilon = values.positive(rms ? GgufKeys.RMS_EPSILON : GgufKeys.LAYER_EPSILON);
        ModelConfig config = new ModelConfig(
                values.architecture(),
                model,
                ffn,
                heads,
                keyValueHeads,
                headSize,
                vocabulary(),
                ropes.context(),
                // Converters add the 1 that Gemma's norms lack.
                new NormSpec(family.normKind(), (float) epsilon, 0),
                placement(),
                activation(),
                family.has(Trait.GATED),
                (float) values.positive(GgufKeys.EMBEDDING_SCALE, family.has(Trait.GEMMA) ? Math.sqrt(model) : 1),
                0,
                ropes.ropes(),
                attentionScale(model, heads, headSize, layers),
                softcap(GgufKeys.ATTENTION_SOFTCAP, 50),
                softcap(GgufKeys.FINAL_SOFTCAP, 30),
                !family.has(Trait.ENCODER),
                labels.size(),
                labels,
                list,
                routing(ffn));
        Limits.consistent(file, config);
        boolean tied = tensors.find(GgufNames.name(WeightRole.HEAD, 0, config.normPlacement())) == null;
        return new SourceModel(family, config, tied, needs(config, tied));
    }

    private void refuse() {
        if (metadata.integer(GgufKeys.SPLIT_COUNT, 1) > 1) {
            throw new UnsupportedModelException(
                    file + " is one of " + metadata.integer(GgufKeys.SPLIT_COUNT) + " parts of a model",
                    "merge the parts with llama.cpp's gguf-split --merge");
        }
        NEUTRAL.forEach((key, neutral) -> {
            Object value = metadata.values().get(values.key(key));
            if (value instanceof Number number && number.doubleValue() != neutral) {
                throw values.unsupported(key, number.toString(), String.valueOf(neutral));
            }
        });
        if (metadata.flag(values.key("use_parallel_residual"), false)) {
            throw values.unsupported("use_parallel_residual", "true", "false");
        }
        boolean causal = !family.has(Trait.ENCODER);
        if (metadata.flag(values.key(GgufKeys.CAUSAL), causal) != causal) {
            throw values.unsupported(GgufKeys.CAUSAL, String.valueOf(!causal), String.valueOf(causal));
        }
    }

    private int headSize(int model, int heads) {
        if (!values.has(GgufKeys.KEY_LENGTH) && model % heads != 0) {
            throw Limits.invalid(
                    file, values.key(GgufKeys.HEADS), "a divisor of the width " + model, String.valueOf(heads));
        }
        int usual = Math.max(1, model / heads);
        int keyLength = values.count(GgufKeys.KEY_LENGTH, usual, Limits.HEAD_SIZE);
        int valueLength = values.count(GgufKeys.VALUE_LENGTH, keyLength, Limits.HEAD_SIZE);
        if (keyLength != valueLength) {
            throw values.unsupported(
                    GgufKeys.VALUE_LENGTH, String.valueOf(valueLength), keyLength + ", the key length");
        }
        return keyLength;
    }

    /** Rows of the token embedding; the metadata may leave it out. */
    private int vocabulary() {
        String name = GgufNames.name(WeightRole.TOKEN_EMBEDDING, 0, NormPlacement.BEFORE);
        TensorInfo embedding = tensors.find(name);
        if (embedding == null || embedding.shape().size() != 2) {
            throw Limits.invalid(
                    file,
                    name,
                    "a matrix",
                    embedding == null ? "none" : embedding.shape().toString());
        }
        return Limits.check(file, name + " rows", embedding.shape().getFirst(), Limits.VOCABULARY);
    }

    private NormPlacement placement() {
        String after = GgufNames.name(WeightRole.ATTENTION_NORM, 0, NormPlacement.AFTER);
        boolean isAfter = family == Family.OPT && tensors.find(after) != null;
        return isAfter ? NormPlacement.AFTER : family.placement();
    }

    private Activation activation() {
        String name = values.text(GgufKeys.ACTIVATION);
        Activation activation = name == null ? family.activation() : Activations.find(name);
        if (activation == null) {
            throw values.unsupported(GgufKeys.ACTIVATION, String.valueOf(name), Activations.known());
        }
        return activation;
    }

    private float attentionScale(int model, int heads, int headSize, int layers) {
        if (metadata.real(values.key(GgufKeys.ATTENTION_SCALE), 0) != 0) {
            return (float) values.positive(GgufKeys.ATTENTION_SCALE);
        }
        Integer special = LAYERS_OF_27B.get(family);
        int width = special != null && special == layers ? Math.max(1, model / heads) : headSize;
        return (float) (1 / Math.sqrt(width));
    }

    private float softcap(String key, double ofGemma2) {
        double cap = metadata.real(values.key(key), family == Family.GEMMA2 ? ofGemma2 : 0);
        return cap == 0 ? 0 : (float) Limits.positive(file, values.key(key), cap);
    }

    private List<String> labels() {
        String name = GgufNames.name(WeightRole.CLASSIFIER_OUTPUT, 0, NormPlacement.AFTER);
        TensorInfo output = tensors.find(name);
        if (output == null) {
            throw new UnsupportedModelException(
                    file + ": an encoder without the tensor " + name + " is not supported",
                    "use an encoder with a classification head");
        }
        int classes = Limits.check(file, name + " rows", output.rows(), Limits.CLASSES);
        String key = values.key(GgufKeys.LABELS);
        List<String> labels = new ArrayList<>();
        if (metadata.contains(key)) {
            labels.addAll(List.of(metadata.strings(key)));
        } else {
            for (int i = 0; i < classes; i++) {
                labels.add("LABEL_" + i);
            }
        }
        if (labels.size() != classes) {
            throw Limits.invalid(
                    file, key, "a label for each of " + classes + " classes", String.valueOf(labels.size()));
        }
        return labels;
    }

    private @Nullable Routing routing(int ffn) {
        boolean any = metadata.contains(GgufKeys.LTE_VERSION)
                || metadata.contains(GgufKeys.LTE_EXPERT_SIZE)
                || metadata.contains(GgufKeys.LTE_THRESHOLD);
        if (!any) {
            return null;
        }
        return LteRouting.of(
                file,
                GgufKeys.LTE,
                metadata.integer(GgufKeys.LTE_VERSION),
                metadata.integer(GgufKeys.LTE_EXPERT_SIZE),
                metadata.real(GgufKeys.LTE_THRESHOLD),
                metadata.contains(GgufKeys.LTE_TOP_K) ? metadata.integer(GgufKeys.LTE_TOP_K) : 0,
                ffn);
    }

    private RoleNeeds needs(ModelConfig config, boolean tied) {
        RoleNeeds needs = new RoleNeeds(family, config);
        if (tied) {
            needs.with(Need.NONE, WeightRole.HEAD);
        }
        for (WeightRole bias : RoleNeeds.PROJECTION_BIASES) {
            if (needs.of(bias) == Need.NONE || family == Family.OPT) {
                needs.with(Need.OPTIONAL, bias);
            }
        }
        if (family == Family.OPT) {
            needs.with(Need.OPTIONAL, WeightRole.UP_BIAS, WeightRole.DOWN_BIAS);
            if (config.normPlacement() == NormPlacement.BEFORE) {
                needs.with(Need.OPTIONAL, WeightRole.FINAL_NORM, WeightRole.FINAL_NORM_BIAS);
            }
        }
        if (family.has(Trait.ENCODER)) {
            needs.with(Need.NONE, WeightRole.HEAD);
            needs.with(Need.OPTIONAL, WeightRole.TOKEN_TYPE_EMBEDDING);
        }
        return needs;
    }
}
