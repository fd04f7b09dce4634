package dev.lte.core.convert;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.Progress;
import dev.lte.UnsupportedModelException;
import dev.lte.WeightType;
import dev.lte.backend.DType;
import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Rope;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.convert.PlannedTensor.Part;
import dev.lte.core.format.safetensors.SafetensorsWriter;
import dev.lte.core.io.JsonView;
import dev.lte.core.source.Family;
import dev.lte.core.source.Family.Trait;
import dev.lte.core.source.HubNames;
import dev.lte.core.source.HubSource;
import dev.lte.core.source.TensorNames;
import dev.lte.core.source.WeightShapes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a model as a hub directory: config.json and model.safetensors, named and laid out as transformers expects, with LTE's
 * routing beside them. The files of a tokenizer are copied if the model comes from a hub directory; of other sources byte-level
 * vocabularies of GPT-2 and RoBERTa are written, and the rest keep their tokenizer in GGUF only.
 */
public final class HubDirectoryWriter {
    private static final List<String> TOKENIZER_FILES = List.of(
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "vocab.json",
            "merges.txt",
            "tokenizer.model",
            "chat_template.jinja",
            "chat_template.json",
            "generation_config.json");

    /** Rows in front of the first position, where the source has left them out: 2 of OPT, padding id 1 and one more of RoBERTa. */
    private static final int USUAL_OFFSET = 2;

    private final ModelSource source;
    private final ModelConfig config;
    private final Family family;
    private final DType dtype;
    private final int offset;
    private final TensorNames names;
    private final Arena arena;

    private HubDirectoryWriter(ModelSource source, DType dtype, Arena arena) {
        this.source = source;
        this.dtype = dtype;
        this.arena = arena;
        config = source.config();
        boolean windowed = config.layers().stream().anyMatch(layer -> layer.window() > 0);
        Family named = Family.of(config.architecture());
        // A Llama with a window is what transformers calls Mistral.
        family = named == Family.LLAMA && windowed ? Family.MISTRAL : named;
        boolean offsets = family == Family.OPT || family == Family.ROBERTA;
        offset = offsets && config.positionOffset() == 0 ? USUAL_OFFSET : config.positionOffset();
        names = HubNames.of(family, HubNames.prefixes(family).getFirst(), source.find(HEAD, 0) == null);
    }

    /**
     * @param directory created if it is not there; files in it are replaced, each when the new one is complete
     * @param type F32, F16 or BF16, of all tensors
     * @throws UnsupportedModelException if transformers has no place for something in the model, or for the type
     */
    public static void write(ModelSource source, Path directory, WeightType type, Consumer<Progress> progress) {
        DType dtype = DType.valueOf(type.name());
        if (dtype.isQuantized()) {
            throw new UnsupportedModelException(
                    "safetensors of type " + type + " are not supported", "use F32, F16 or BF16, or convert to GGUF");
        }
        try (Arena arena = Arena.ofShared()) {
            new HubDirectoryWriter(source, dtype, arena).write(directory, progress);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + directory, e);
        }
    }

    private void write(Path directory, Consumer<Progress> progress) throws IOException {
        ObjectNode json = HubConfigWriter.write(source, family, offset);
        json.put("dtype", dtype == DType.F32 ? "float32" : dtype == DType.F16 ? "float16" : "bfloat16");
        Files.createDirectories(directory);
        SafetensorsWriter.write(directory.resolve("model.safetensors"), Map.of("format", "pt"), entries(), progress);
        Path partial = directory.resolve(HubSource.CONFIG + ".part");
        Files.write(partial, JsonView.mapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
        Files.move(partial, directory.resolve(HubSource.CONFIG), StandardCopyOption.REPLACE_EXISTING);
        if (Files.isDirectory(source.path()) && !Files.isSameFile(source.path(), directory)) {
            for (String name : TOKENIZER_FILES) {
                Path file = source.path().resolve(name);
                if (Files.exists(file)) {
                    Files.copy(file, directory.resolve(name), StandardCopyOption.REPLACE_EXISTING);
                }
            }
        } else if (!Files.isDirectory(source.path())) {
            HubTokenizerWriter.write(source, family, directory);
        }
    }

    private List<SafetensorsWriter.Entry> entries() {
        List<SafetensorsWriter.Entry> entries = new ArrayList<>();
        Set<WeightRole> done = EnumSet.noneOf(WeightRole.class);
        for (WeightRole role : WeightRole.values()) {
            if (source.find(role, 0) == null || done.contains(role)) {
                continue;
            }
            TensorNames.@Nullable Fused fused = fusedOf(role);
            List<WeightRole> roles = fused == null ? List.of(role) : fused.parts();
            done.addAll(roles);
            for (int layer = 0; layer < (role.perLayer() ? config.layers().size() : 1); layer++) {
                String name = fused == null ? names.name(role, layer) : fused.name(layer);
                if (name == null) {
                    throw new UnsupportedModelException(
                            family.hubType() + " has no place for " + role, "convert to GGUF instead");
                }
                entries.add(entry(name, roles, layer));
            }
        }
        return entries;
    }

    private TensorNames.@Nullable Fused fusedOf(WeightRole role) {
        return names.fused().stream()
                .filter(fused -> fused.parts().contains(role))
                .findFirst()
                .orElse(null);
    }

    private SafetensorsWriter.Entry entry(String name, List<WeightRole> roles, int layer) {
        WeightRole role = roles.getFirst();
        boolean vector = WeightShapes.isVector(role);
        List<Part> parts = new ArrayList<>();
        for (WeightRole part : roles) {
            WeightData weight = source.get(part, layer);
            int missing = part == POSITION_EMBEDDING ? offset - config.positionOffset() : 0;
            if (missing > 0) {
                long bytes = weight.dtype().byteSize((long) missing * weight.columns());
                WeightData zeros =
                        new WeightData(name, weight.dtype(), missing, weight.columns(), arena.allocate(bytes));
                parts.add(new Part(zeros, null));
            }
            parts.add(new Part(weight, order(part, layer)));
        }
        boolean norm = vector && !role.name().endsWith("_BIAS");
        float added = norm && family.has(Trait.GEMMA) ? config.norm().weightOffset() - 1 : 0;
        PlannedTensor tensor = new PlannedTensor(name, dtype, vector, parts, added, null);
        if (names.transposed().contains(role)) {
            return new SafetensorsWriter.Entry(name, dtype, tensor.shape().reversed(), new TransposedBody(tensor));
        }
        return new SafetensorsWriter.Entry(name, dtype, tensor.shape(), new TensorRecoder(tensor));
    }

    /** Rows of queries and keys in the order in which transformers pairs them. */
    private int @Nullable [] order(WeightRole role, int layer) {
        int heads = HeadRows.heads(role, config);
        int index = config.layers().get(layer).rope();
        if (heads == 0 || index < 0 || config.ropes().get(index).pairing() == Pairing.HALVES) {
            return null;
        }
        Rope rope = config.ropes().get(index);
        return HeadRows.order(
                heads, config.headSize(), 2 * rope.inverseFrequencies().size(), Pairing.HALVES);
    }
}
