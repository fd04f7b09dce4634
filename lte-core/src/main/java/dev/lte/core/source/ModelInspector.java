package dev.lte.core.source;

import dev.lte.ModelFileInfo;
import dev.lte.ModelFileInfo.TensorEntry;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.gguf.GgufFile;
import dev.lte.core.format.llama2c.Llama2cFile;
import dev.lte.core.format.llama2c.Llama2cHeader;
import dev.lte.core.format.safetensors.SafetensorsFile;
import dev.lte.core.io.FileContent;
import dev.lte.core.io.JsonView;
import java.lang.reflect.Array;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What a model file says of itself, for people, whether or not LTE can run it. */
public final class ModelInspector {
    private static final int MOST_ELEMENTS = 8;
    private static final int LONGEST_TEXT = 400;

    private ModelInspector() {}

    /** @throws dev.lte.LteException if the path is no model, or one that is damaged */
    public static ModelFileInfo inspect(Path model) {
        Map<String, String> metadata = new LinkedHashMap<>();
        return switch (ModelFormat.of(model)) {
            case HUB_DIRECTORY -> {
                Path config = model.resolve(HubSource.CONFIG);
                JsonView.parse(FileContent.of(config), config, "config")
                        .forEach((key, value) ->
                                metadata.put(key, shortened(value.node().toString())));
                try (TensorFile file = SafetensorsFile.open(model)) {
                    yield info(file, metadata);
                }
            }
            case GGUF -> {
                try (GgufFile file = GgufFile.open(model)) {
                    file.metadata().values().forEach((key, value) -> metadata.put(key, spell(value)));
                    yield info(file, metadata);
                }
            }
            case LLAMA2C -> {
                try (Llama2cFile file = Llama2cFile.open(model)) {
                    put(metadata, file.header());
                    yield info(file, metadata);
                }
            }
        };
    }

    private static ModelFileInfo info(TensorFile file, Map<String, String> metadata) {
        Stream<TensorEntry> known = file.tensors().stream()
                .map(tensor -> new TensorEntry(tensor.name(), tensor.dtype().name(), tensor.shape(), tensor.bytes()));
        Stream<TensorEntry> unknown = file.unsupported().entrySet().stream()
                .map(entry -> new TensorEntry(entry.getKey(), entry.getValue(), List.of(), 0));
        return new ModelFileInfo(
                file.format(),
                Collections.unmodifiableMap(metadata),
                Stream.concat(known, unknown).toList());
    }

    private static void put(Map<String, String> metadata, Llama2cHeader header) {
        metadata.put("dim", String.valueOf(header.dim()));
        metadata.put("hidden_dim", String.valueOf(header.hidden()));
        metadata.put("n_layers", String.valueOf(header.layers()));
        metadata.put("n_heads", String.valueOf(header.heads()));
        metadata.put("n_kv_heads", String.valueOf(header.kvHeads()));
        metadata.put("vocab_size", String.valueOf(header.vocab()));
        metadata.put("seq_len", String.valueOf(header.seqLen()));
        metadata.put("shared_classifier", String.valueOf(header.sharedClassifier()));
    }

    private static String spell(Object value) {
        if (!value.getClass().isArray()) {
            return shortened(value.toString());
        }
        int length = Array.getLength(value);
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < Math.min(length, MOST_ELEMENTS); i++) {
            text.append(i == 0 ? "" : ", ").append(shortened(String.valueOf(Array.get(value, i))));
        }
        return text.append(length > MOST_ELEMENTS ? ", ... (" + length + " in all)]" : "]")
                .toString();
    }

    private static String shortened(String text) {
        return text.length() <= LONGEST_TEXT
                ? text
                : text.substring(0, LONGEST_TEXT) + "... (" + text.length() + " characters in all)";
    }
}
