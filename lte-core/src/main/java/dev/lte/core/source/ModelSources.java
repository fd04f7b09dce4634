package dev.lte.core.source;

import dev.lte.ModelFormatException;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.gguf.GgufFile;
import dev.lte.core.format.llama2c.Llama2cFile;
import dev.lte.core.format.safetensors.SafetensorsFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Function;

/** Opens models of every format, which is told by the content. */
public final class ModelSources {
    private static final byte[] GGUF = "GGUF".getBytes(StandardCharsets.US_ASCII);

    private ModelSources() {}

    /**
     * Opens a hub directory, a GGUF file or a llama2.c checkpoint.
     *
     * @throws ModelFormatException if it is damaged or none of these
     * @throws dev.lte.UnsupportedModelException if it needs what LTE does not do
     * @throws UncheckedIOException if it cannot be read
     */
    public static ModelSource open(Path model) {
        if (Files.isDirectory(model)) {
            requireConfig(model);
            return owning(SafetensorsFile.open(model), weights -> HubSource.open(model, weights));
        }
        if (isGguf(model)) {
            return owning(GgufFile.open(model), file -> GgufSource.open(file, file.metadata()));
        }
        return owning(checkpoint(model), Llama2cSource::open);
    }

    /** The file of a model, without any look at what its tensors mean. */
    static TensorFile openFile(Path model) {
        if (Files.isDirectory(model)) {
            requireConfig(model);
            return SafetensorsFile.open(model);
        }
        return isGguf(model) ? GgufFile.open(model) : checkpoint(model);
    }

    private static <F extends TensorFile> ModelSource owning(F file, Function<F, ModelSource> open) {
        try {
            return open.apply(file);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private static void requireConfig(Path directory) {
        if (!Files.exists(directory.resolve(HubSource.CONFIG))) {
            throw new ModelFormatException(
                    directory,
                    "directory",
                    ModelFormatException.NO_OFFSET,
                    HubSource.CONFIG + " and safetensors files",
                    "no " + HubSource.CONFIG,
                    "name the directory of a model, or a model file in it");
        }
    }

    private static boolean isGguf(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return Arrays.equals(in.readNBytes(GGUF.length), GGUF);
        } catch (NoSuchFileException e) {
            throw new UncheckedIOException("there is no file or directory " + file, e);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
    }

    /** What is nothing else can only be a checkpoint, whose header has no mark of its own. */
    private static Llama2cFile checkpoint(Path file) {
        try {
            return Llama2cFile.open(file);
        } catch (ModelFormatException e) {
            ModelFormatException failure = new ModelFormatException(
                    file,
                    "file",
                    ModelFormatException.NO_OFFSET,
                    "a GGUF file, a directory with config.json, or a llama2.c checkpoint",
                    "none of these (as a checkpoint: " + e.item() + " should be " + e.expected() + ", but is "
                            + e.found() + ")");
            failure.initCause(e);
            throw failure;
        }
    }
}
