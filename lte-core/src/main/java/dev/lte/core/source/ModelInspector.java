package dev.lte.core.source;

import dev.lte.ModelFileInfo;
import dev.lte.ModelFileInfo.TensorEntry;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.gguf.GgufFile;
import dev.lte.core.format.llama2c.Llama2cFile;
import dev.lte.core.io.FileContent;
import dev.lte.core.io.JsonView;
import java.lang.reflect.Array;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads what a model file says of itself, for people. */
public final class ModelInspector {
    private static final int SHOWN_ELEMENTS = 8;
    private static final int SHOWN_CHARS = 200;

    private ModelInspector() {}

    /** @throws dev.lte.ModelFormatException if the file is damaged */
    public static ModelFileInfo inspect(Path model) {
        try (TensorFile file = ModelSources.openFile(model)) {
            List<TensorEntry> tensors = new ArrayList<>();
            for (TensorInfo tensor : file.tensors()) {
                tensors.add(new TensorEntry(tensor.name(), tensor.dtype().name(), tensor.shape(), tensor.bytes()));
            }
            file.unsupported().forEach((name, type) -> tensors.add(new TensorEntry(name, type, List.of(), 0)));
            return new ModelFileInfo(file.format(), metadata(model, file), tensors);
        }
    }

    private static Map<String, String> metadata(Path model, TensorFile file) {
        Map<String, String> metadata = new LinkedHashMap<>();
        if (file instanceof GgufFile gguf) {
            gguf.metadata().values().forEach((key, value) -> metadata.put(key, text(value)));
        } else if (file instanceof Llama2cFile checkpoint) {
            metadata.put("header", checkpoint.header().toString());
        } else if (Files.isDirectory(model)) {
            Path config = model.resolve(HubSource.CONFIG);
            flatten("", JsonView.parse(FileContent.of(config), config, "config"), metadata);
        }
        return metadata;
    }

    /** Members of members get names with dots. */
    private static void flatten(String prefix, JsonView object, Map<String, String> metadata) {
        object.forEach((key, value) -> {
            if (value.isObject()) {
                flatten(prefix + key + ".", value, metadata);
            } else {
                metadata.put(prefix + key, shortened(value.isText() ? value.text() : value.node().toString()));
            }
        });
    }

    private static String text(Object value) {
        if (!value.getClass().isArray()) {
            return shortened(value.toString());
        }
        int length = Array.getLength(value);
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < Math.min(length, SHOWN_ELEMENTS); i++) {
            text.append(i == 0 ? "" : ", ").append(shortened(String.valueOf(Array.get(value, i))));
        }
        return text.append(length > SHOWN_ELEMENTS ? ", ... " + length + " in all]" : "]").toString();
    }

    private static String shortened(String text) {
        return text.length() <= SHOWN_CHARS ? text : text.substring(0, SHOWN_CHARS) + "...";
    }
}
