package dev.lte.core.source;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The formats of models, told apart by what is in them, never by their names. */
enum ModelFormat {
    HUB_DIRECTORY,
    GGUF,
    LLAMA2C;

    private static final int HEADER = 28;
    private static final byte[] GGUF_MAGIC = "GGUF".getBytes(StandardCharsets.US_ASCII);
    private static final int LATER_LLAMA2C_MAGIC = 0x616b3432;

    /** @throws dev.lte.LteException if it is none of them */
    static ModelFormat of(Path model) {
        if (Files.isDirectory(model)) {
            if (!Files.exists(model.resolve(HubSource.CONFIG))) {
                throw none(model, "a directory without config.json");
            }
            return HUB_DIRECTORY;
        } else if (!Files.isRegularFile(model)) {
            throw none(model, "nothing that can be read");
        }
        byte[] head = head(model);
        if (startsWith(head, GGUF_MAGIC)) {
            return GGUF;
        } else if (isLlama2c(model, head)) {
            return LLAMA2C;
        } else if (isSafetensors(head)) {
            throw new UnsupportedModelException(
                    model + " holds weights only", "give the directory with its config.json instead");
        }
        throw none(model, "a file of another kind");
    }

    private static ModelFormatException none(Path model, String found) {
        return new ModelFormatException(
                model,
                "model",
                ModelFormatException.NO_OFFSET,
                "a GGUF file, a llama2.c checkpoint, or a directory with config.json and safetensors",
                found,
                "check the path, or convert the model to one of these");
    }

    private static byte[] head(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(HEADER);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
    }

    private static boolean startsWith(byte[] head, byte[] magic) {
        for (int i = 0; i < magic.length; i++) {
            if (i >= head.length || head[i] != magic[i]) {
                return false;
            }
        }
        return true;
    }

    /** Seven sizes that a model can have; the vocabulary may be negative. */
    private static boolean isLlama2c(Path file, byte[] head) {
        if (head.length < HEADER) {
            return false;
        }
        ByteBuffer sizes = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
        if (sizes.getInt(0) == LATER_LLAMA2C_MAGIC) {
            throw new UnsupportedModelException(
                    file + " is a llama2.c checkpoint of version " + sizes.getInt(4) + ", known is version 0",
                    "export it again with --version 0");
        }
        for (int i = 0; i < HEADER / 4; i++) {
            int size = sizes.getInt(4 * i);
            boolean isVocabulary = i == 5;
            int absolute = isVocabulary ? Math.absExact(size == Integer.MIN_VALUE ? 0 : size) : size;
            if (absolute < 1 || absolute > (isVocabulary ? Limits.VOCABULARY : Limits.DIMENSION)) {
                return false;
            }
        }
        return true;
    }

    /** The length of a header that is JSON. */
    private static boolean isSafetensors(byte[] head) {
        return head.length > 8 && head[6] == 0 && head[7] == 0 && head[8] == '{';
    }
}
