package dev.lte.core.source;

import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.TensorFile;
import dev.lte.core.io.FileContent;
import dev.lte.core.io.JsonView;
import dev.lte.core.token.TokenizerLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A model directory as the hub publishes it: config.json, safetensors, the tokenizer's files. */
public final class HubSource {
    public static final String CONFIG = "config.json";

    private static final Set<String> ROUTING = Set.of("version", "expert_size", "threshold", "top_k");

    private HubSource() {}

    /** @param weights the directory's tensors; the source owns them from now on */
    static ModelSource open(Path directory, TensorFile weights) {
        return open(directory, FileContent.of(directory.resolve(CONFIG)), weights);
    }

    /** @param json the content of config.json */
    static ModelSource open(Path directory, byte[] json, TensorFile weights) {
        Path file = directory.resolve(CONFIG);
        SourceModel model = HubConfigReader.read(file, json);
        Map<String, Object> provenance =
                provenance(JsonView.parse(json, file, "config").get("lte"));
        TensorNames names = names(model, weights);
        Path name = directory.toAbsolutePath().normalize().getFileName();
        FileModelSource.About about = new FileModelSource.About(
                directory,
                name == null ? "model" : name.toString(),
                () -> TokenizerLoader.fromHubDirectory(directory),
                () -> chatTemplate(directory),
                provenance);
        return FileModelSource.open(weights, model, names, about);
    }

    /** Of a token embedding and a head that are one tensor, a file may have either name. */
    private static TensorNames names(SourceModel model, TensorFile weights) {
        TensorNames names = HubNames.of(model.family(), prefix(model.family(), weights), model.tied());
        String embedding = names.name(WeightRole.TOKEN_EMBEDDING, 0);
        String head = names.name(WeightRole.HEAD, 0);
        if (embedding == null || head == null || !model.tied()) {
            return names;
        }
        boolean underTheHead = weights.find(embedding) == null && weights.find(head) != null;
        return underTheHead ? names.with(WeightRole.TOKEN_EMBEDDING, head) : names;
    }

    private static String prefix(Family family, TensorFile weights) {
        List<String> prefixes = HubNames.prefixes(family);
        for (String prefix : prefixes) {
            String embedding = HubNames.of(family, prefix, true).name(WeightRole.TOKEN_EMBEDDING, 0);
            if (embedding != null && weights.find(embedding) != null) {
                return prefix;
            }
        }
        return prefixes.getFirst();
    }

    private static Map<String, Object> provenance(JsonView lte) {
        Map<String, Object> provenance = new LinkedHashMap<>();
        lte.forEach((key, value) -> {
            if (!ROUTING.contains(key) && value.isPresent()) {
                provenance.put(key, value.isText() ? value.text() : (Object) value.real());
            }
        });
        return Map.copyOf(provenance);
    }

    private static Optional<String> chatTemplate(Path directory) {
        Path jinja = directory.resolve("chat_template.jinja");
        if (Files.exists(jinja)) {
            return Optional.of(new String(FileContent.of(jinja), StandardCharsets.UTF_8));
        }
        for (String name : List.of("chat_template.json", "tokenizer_config.json")) {
            Path file = directory.resolve(name);
            if (Files.exists(file)) {
                JsonView template =
                        JsonView.parse(FileContent.of(file), file, name).get("chat_template");
                if (template.isArray()) {
                    return template.elements().stream()
                            .filter(named -> named.get("name").text().equals("default"))
                            .map(named -> named.get("template").text())
                            .findFirst();
                } else if (template.isPresent()) {
                    return Optional.of(template.text());
                }
            }
        }
        return Optional.empty();
    }
}
