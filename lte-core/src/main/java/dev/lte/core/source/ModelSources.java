package dev.lte.core.source;

import dev.lte.UnsupportedModelException;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.gguf.GgufFile;
import dev.lte.core.format.llama2c.Llama2cFile;
import dev.lte.core.format.safetensors.SafetensorsFile;
import dev.lte.core.token.TokenizerLoader;
import dev.lte.core.token.VocabularyTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.stream.Stream;

/** Opens models of every format that LTE reads. */
public final class ModelSources {
    private ModelSources() {}

    /**
     * Opens a hub directory, a GGUF file or a llama2.c checkpoint, whatever it is called. Weights are mapped, not read; only
     * those of GPT-2 from the hub, which are transposed there, are copied. The tokenizer is read when it is asked for.
     *
     * @throws dev.lte.ModelFormatException if the model is damaged, or the path no model
     * @throws UnsupportedModelException if the model needs something that LTE does not do
     * @throws UncheckedIOException if it cannot be read
     */
    public static ModelSource open(Path model) {
        return switch (ModelFormat.of(model)) {
            case HUB_DIRECTORY -> {
                refusePickles(model);
                yield open(SafetensorsFile.open(model), weights -> HubSource.open(model, weights));
            }
            case GGUF -> open(GgufFile.open(model), file -> GgufSource.open(file, file.metadata()));
            case LLAMA2C -> open(Llama2cFile.open(model), Llama2cSource::open);
        };
    }

    /** The tokenizer alone. */
    public static VocabularyTokenizer tokenizer(Path model) {
        if (ModelFormat.of(model) == ModelFormat.HUB_DIRECTORY) {
            return TokenizerLoader.fromHubDirectory(model);
        }
        try (ModelSource source = open(model)) {
            return source.tokenizer();
        }
    }

    private static <F extends TensorFile> ModelSource open(F file, Function<F, ModelSource> reader) {
        try {
            return reader.apply(file);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    /** Weights in Python's own format would have to be run, not read. */
    private static void refusePickles(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            boolean[] kinds = new boolean[2];
            files.map(file -> String.valueOf(file.getFileName())).forEach(name -> {
                kinds[0] |= name.startsWith("model") && name.contains(".safetensors");
                kinds[1] |= name.startsWith("pytorch_model") && name.endsWith(".bin");
            });
            if (!kinds[0] && kinds[1]) {
                throw new UnsupportedModelException(
                        directory + " has its weights as pytorch_model.bin only",
                        "save the model again as safetensors");
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot list " + directory, e);
        }
    }
}
