package dev.lte.core.source;

import dev.lte.UnsupportedModelException;
import dev.lte.backend.Activation;
import dev.lte.backend.NormSpec;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Layer;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.ModelConfig.Routing;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.io.JsonView;
import dev.lte.core.source.Family.Trait;
import dev.lte.core.source.RoleNeeds.Need;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads config.json as transformers does, old and new spellings alike. Whatever would change results and is not supported
 * is an {@link UnsupportedModelException} that names the key, its value and what is known.
 */
final class HubConfigReader {
    private static final String FILE = "config";

    private final Path file;
    private final JsonView root;
    private final JsonView text;
    private final Family family;
    private final HubFamily table;

    private HubConfigReader(Path file, JsonView root, JsonView text, Family family) {
        this.file = file;
        this.root = root;
        this.text = text;
        this.family = family;
        table = HubFamily.of(family);
    }

    /** @param json the content of config.json */
    static SourceModel read(Path file, byte[] json) {
        JsonView root = JsonView.parse(json, file, FILE);
        String type = root.get("model_type").text();
        Family family = Family.ofHubType(type);
        if (family == null) {
            throw Limits.unsupported(file, "model_type", type, Family.hubTypesKnown());
        }
        // Models that also see keep the configuration of their language model one level down.
        JsonView text = type.equals("gemma3") ? root.get("text_config") : root;
        if (!text.isPresent()) {
            throw text.invalid("the configuration of the language model");
        }
        return new HubConfigReader(file, root, text, family).read();
    }

    private SourceModel read() {
        refuse();
        HubFamily.Keys keys = table.keys();
        int model = dimension(keys.model(), 0, Limits.DIMENSION);
        int ffn = dimension(keys.ffn(), family == Family.GPT2 ? 4 * model : 0, Limits.DIMENSION);
        int layers = dimension(keys.layers(), 0, Limits.LAYERS);
        int heads = dimension(keys.heads(), table.heads(), Limits.DIMENSION);
        int keyValueHeads = dimension(
                "num_key_value_heads",
                table.keyValueHeads() == HubFamily.AS_HEADS ? heads : table.keyValueHeads(),
                Limits.DIMENSION);
        if (family.has(Trait.LEARNED_POSITIONS)) {
            keyValueHeads = heads;
        }
        int headSize = headSize(model, heads);
        int context = dimension(keys.context(), table.context(), Limits.CONTEXT);
        SlidingWindows windows = HubWindows.read(file, text, table, layers);
        Ropes ropes = family.has(Trait.LEARNED_POSITIONS)
                ? Ropes.none(context)
                : HubRopes.read(file, text, family, headSize, context);
        int offset = positionOffset();
        // RoBERTa counts the offset among its positions, OPT does not.
        int positions = family == Family.ROBERTA ? context - offset : ropes.context();
        List<Layer> list = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            list.add(new Layer(windows.window(layer), ropes.ropeOf(windows.isSliding(layer))));
        }
        List<String> labels = family.has(Trait.ENCODER) ? labels() : List.of();
        ModelConfig config = new ModelConfig(
                family == Family.GEMMA3
                        ? family.hubType()
                        : root.get("model_type").text(),
                model,
                ffn,
                heads,
                keyValueHeads,
                headSize,
                dimension("vocab_size", table.vocabulary(), Limits.VOCABULARY),
                Limits.check(file, keys.context() + " without the offset", positions, Limits.CONTEXT),
                new NormSpec(family.normKind(), epsilon(), family.has(Trait.GEMMA) ? 1 : 0),
                placement(),
                activation(),
                family.has(Trait.GATED),
                family.has(Trait.GEMMA) ? (float) Math.sqrt(model) : 1,
                offset,
                ropes.ropes(),
                attentionScale(headSize),
                softcap("attn_logit_softcapping", family == Family.GEMMA2 ? 50 : 0),
                softcap("final_logit_softcapping", family == Family.GEMMA2 ? 30 : 0),
                !family.has(Trait.ENCODER),
                labels.size(),
                labels,
                list,
                routing(ffn));
        boolean tied = text.get("tie_word_embeddings")
                .flag(root.get("tie_word_embeddings").flag(table.tied()));
        return new SourceModel(family, Limits.consistent(file, config), tied, needs(config, tied));
    }

    private void refuse() {
        for (JsonView place : List.of(root, text)) {
            JsonView quantization = place.get("quantization_config");
            if (quantization.isPresent()) {
                String method = quantization.get("quant_method").text("unnamed");
                throw Limits.unsupported(file, "quantization_config", method, "none; weights as F32, F16 or BF16");
            }
            HubFamily.NEUTRAL.forEach((key, neutral) -> refuse(place, key, neutral));
        }
        table.neutral().forEach((key, neutral) -> refuse(text, key, neutral));
        for (String key : HubFamily.EXPERT_COUNTS) {
            if (text.get(key).integer(0) > 1) {
                throw Limits.unsupported(
                        file, key, String.valueOf(text.get(key).integer()), "1; no mixtures of experts");
            }
        }
        String positions = text.get("position_embedding_type").text("absolute");
        if (!positions.equals("absolute")) {
            throw Limits.unsupported(file, "position_embedding_type", positions, "absolute");
        }
        if (family == Family.OPT) {
            int model = text.get("hidden_size").integer();
            int projection = text.get("word_embed_proj_dim").integer(model);
            if (projection != model) {
                throw Limits.unsupported(
                        file, "word_embed_proj_dim", String.valueOf(projection), model + ", the hidden_size");
            }
        }
    }

    private void refuse(JsonView place, String key, boolean neutral) {
        if (place.get(key).flag(neutral) != neutral) {
            throw Limits.unsupported(file, key, String.valueOf(!neutral), String.valueOf(neutral));
        }
    }

    /** @param fallback 0 if the value must be there */
    private int dimension(String key, int fallback, int largest) {
        JsonView value = text.get(key);
        return Limits.check(file, key, fallback == 0 ? value.integer() : value.integer(fallback), largest);
    }

    private int headSize(int model, int heads) {
        JsonView given = text.get("head_dim");
        if (family.has(Trait.LEARNED_POSITIONS) || !given.isPresent() && table.headSize() == 0) {
            if (model % heads != 0) {
                throw Limits.invalid(
                        file, table.keys().heads(), "a divisor of the width " + model, String.valueOf(heads));
            }
            return Limits.check(file, "head size", model / heads, Limits.HEAD_SIZE);
        }
        return Limits.check(file, "head_dim", given.integer(table.headSize()), Limits.HEAD_SIZE);
    }

    private float epsilon() {
        return (float) Limits.positive(
                file, table.keys().epsilon(), text.get(table.keys().epsilon()).real(table.epsilon()));
    }

    private int positionOffset() {
        return switch (family) {
            case OPT -> 2;
            case ROBERTA -> Math.addExact(1, Math.min(text.get("pad_token_id").integer(1), Limits.VOCABULARY));
            default -> 0;
        };
    }

    private NormPlacement placement() {
        boolean before =
                family != Family.OPT || text.get("do_layer_norm_before").flag(true);
        return before ? family.placement() : NormPlacement.AFTER;
    }

    private Activation activation() {
        String key = table.keys().activation();
        JsonView name = text.get(key);
        if (!name.isPresent()) {
            return family.activation();
        }
        Activation activation = Activations.find(name.text());
        if (activation == null) {
            throw Limits.unsupported(file, key, name.text(), Activations.known());
        }
        return activation;
    }

    private float attentionScale(int headSize) {
        if (family == Family.GPT2 && !text.get("scale_attn_weights").flag(true)) {
            return 1;
        }
        double scalar = headSize;
        if (family.has(Trait.GEMMA)) {
            scalar = Limits.positive(
                    file,
                    "query_pre_attn_scalar",
                    text.get("query_pre_attn_scalar").real(256));
        }
        return (float) (1 / Math.sqrt(scalar));
    }

    private float softcap(String key, double fallback) {
        JsonView cap = text.get(key);
        if (!family.has(Trait.GEMMA)) {
            return 0;
        } else if (!cap.isPresent()) {
            // Absent means the family's own, null means none.
            return text.node().has(key) ? 0 : (float) fallback;
        }
        return (float) Limits.positive(file, key, cap.real());
    }

    /** The classes of the classifier in order. */
    private List<String> labels() {
        JsonView names = text.get("id2label");
        if (!names.isPresent()) {
            int count = dimension("num_labels", 2, Limits.CLASSES);
            List<String> labels = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                labels.add("LABEL_" + i);
            }
            return labels;
        }
        Map<Integer, String> labels = new TreeMap<>();
        names.forEach((id, label) -> {
            if (!id.matches("\\d{1,9}")) {
                throw names.invalid("class numbers", id);
            }
            labels.put(Integer.parseInt(id), label.text());
        });
        List<String> ordered = List.copyOf(labels.values());
        if (ordered.size() > Limits.CLASSES) {
            throw names.invalid("at most " + Limits.CLASSES + " classes", String.valueOf(ordered.size()));
        } else if (ordered.isEmpty() || !labels.containsKey(0) || !labels.containsKey(ordered.size() - 1)) {
            throw names.invalid(
                    "a label for each class from 0 on", labels.keySet().toString());
        }
        return ordered;
    }

    private @Nullable Routing routing(int ffn) {
        JsonView lte = root.get("lte");
        if (!lte.isPresent()) {
            return null;
        }
        return LteRouting.of(
                file,
                "lte.",
                lte.get("version").integer(),
                lte.get("expert_size").integer(),
                lte.get("threshold").real(),
                lte.get("top_k").isPresent() ? lte.get("top_k").integer() : 0,
                ffn);
    }

    private RoleNeeds needs(ModelConfig config, boolean tied) {
        RoleNeeds needs = new RoleNeeds(family, config);
        if (tied || family.has(Trait.ENCODER)) {
            needs.with(Need.NONE, WeightRole.HEAD);
        }
        if (family == Family.LLAMA || family == Family.QWEN3 || family.has(Trait.GEMMA)) {
            boolean biases = text.get("attention_bias").flag(false);
            needs.with(biases ? Need.REQUIRED : Need.NONE, RoleNeeds.PROJECTION_BIASES);
        }
        if (family == Family.OPT) {
            if (text.get("_remove_final_layer_norm").flag(false)) {
                needs.with(Need.NONE, WeightRole.FINAL_NORM, WeightRole.FINAL_NORM_BIAS);
            }
            if (!text.get("enable_bias").flag(true)) {
                needs.with(Need.NONE, RoleNeeds.PROJECTION_BIASES);
                needs.with(Need.NONE, WeightRole.UP_BIAS, WeightRole.DOWN_BIAS);
            }
        }
        return needs;
    }
}
