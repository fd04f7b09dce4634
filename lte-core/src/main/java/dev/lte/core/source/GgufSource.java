package dev.lte.core.source;

import dev.lte.core.arch.ModelSource;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.gguf.GgufMetadata;
import dev.lte.core.token.TokenizerLoader;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A model in a GGUF file. */
final class GgufSource {
    private static final Set<String> ROUTING =
            Set.of(GgufKeys.LTE_VERSION, GgufKeys.LTE_EXPERT_SIZE, GgufKeys.LTE_THRESHOLD, GgufKeys.LTE_TOP_K);

    private GgufSource() {}

    /** @param file the source owns it from now on */
    static ModelSource open(TensorFile file, GgufMetadata metadata) {
        SourceModel model = GgufConfigReader.read(metadata, file);
        TensorNames names =
                GgufNames.of(model.config().normPlacement(), model.config().gated());
        FileModelSource.About about = new FileModelSource.About(
                file.path(),
                name(file.path(), metadata),
                () -> TokenizerLoader.fromGguf(metadata, file.path()),
                () -> Optional.ofNullable(metadata.stringOrNull(GgufKeys.CHAT_TEMPLATE)),
                provenance(metadata));
        return FileModelSource.open(file, model, names, about);
    }

    private static String name(Path file, GgufMetadata metadata) {
        String name = metadata.stringOrNull(GgufKeys.NAME);
        return name == null || name.isBlank() ? fileName(file) : name;
    }

    /** A file's name without its ending. */
    static String fileName(Path file) {
        Path last = file.getFileName();
        String name = last == null ? "model" : last.toString();
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }

    private static Map<String, Object> provenance(GgufMetadata metadata) {
        Map<String, Object> provenance = new LinkedHashMap<>();
        metadata.values().forEach((key, value) -> {
            boolean own = key.startsWith(GgufKeys.LTE) && !key.startsWith(GgufKeys.LTE_TOKENIZER);
            if (own && !ROUTING.contains(key)) {
                String name = key.substring(GgufKeys.LTE.length());
                if (value instanceof String) {
                    provenance.put(name, value);
                } else if (value instanceof Number number) {
                    provenance.put(name, number.doubleValue());
                }
            }
        });
        return Map.copyOf(provenance);
    }
}
