package dev.lte;

import dev.lte.spi.ModelRuntime;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Work on model files without running them. Files are written beside their target and moved into place when complete. */
public final class ModelFiles {
    private ModelFiles() {}

    /**
     * Reads what a file or directory says of itself.
     *
     * @throws ModelFormatException if it is damaged
     */
    public static ModelFileInfo inspect(Path model) {
        return ModelRuntime.find().inspect(model);
    }

    /**
     * Converts a llama2.c checkpoint, a hub directory or a GGUF file to GGUF.
     *
     * @param source what to convert; a llama2.c checkpoint has its tokenizer beside it
     * @param target the GGUF file
     * @param type of all matrices; vectors stay F32, and a matrix whose rows are no whole blocks of the type becomes F16
     * @return what was written, with the error of each tensor
     * @throws ModelFormatException if the source is damaged
     */
    public static ConversionReport convert(Path source, Path target, WeightType type, Consumer<Progress> progress) {
        return ModelRuntime.find().convert(source, target, type, progress);
    }

    /** Writes a GGUF file with random weights. */
    public static void synthesize(SyntheticModel description, Path target, Consumer<Progress> progress) {
        ModelRuntime.find().synthesize(description, target, progress);
    }

    /** The tokenizer of a model, without loading its weights. */
    public static Tokenizer tokenizer(Path model) {
        return ModelRuntime.find().tokenizer(model);
    }
}
