package dev.lte.core.token;

import dev.lte.core.format.gguf.GgufMetadata;
import java.nio.file.Path;

/**
 * Reads tokenizers. Every file is untrusted: damage is a {@link dev.lte.ModelFormatException}, what LTE does not
 * implement an {@link dev.lte.UnsupportedModelException} that names it, a file that cannot be read a {@link
 * java.io.UncheckedIOException}.
 */
public final class TokenizerLoader {
    private TokenizerLoader() {}

    /**
     * The tokenizer that a GGUF file carries: {@code tokenizer.ggml.model} llama, gpt2 or bert.
     *
     * @param file for messages
     */
    public static VocabularyTokenizer fromGguf(GgufMetadata metadata, Path file) {
        return TokenizerFactory.create(GgufTokenizerReader.read(metadata, file), file);
    }

    /** The tokenizer in a model's directory: tokenizer.json, else vocab.json and merges.txt, else tokenizer.model. */
    public static VocabularyTokenizer fromHubDirectory(Path directory) {
        return HubTokenizerReader.read(directory);
    }

    /** SentencePiece's own file, whatever its name; configuration files beside it name special tokens. */
    public static VocabularyTokenizer fromSentencePiece(Path model) {
        Path parent = model.toAbsolutePath().getParent();
        HubConfig config = new HubConfig(parent == null ? Path.of("") : parent);
        return TokenizerFactory.create(SentencePieceReader.read(model, config), model);
    }

    /** From what a file would record, such as a vocabulary that was just learnt. */
    public static VocabularyTokenizer fromMetadata(TokenizerMetadata metadata) {
        return TokenizerFactory.create(metadata, null);
    }

    /**
     * llama2.c's tokenizer.bin.
     *
     * @param vocabulary number of tokens, which only the model file says
     */
    public static VocabularyTokenizer fromLlama2c(Path tokenizerBin, int vocabulary) {
        return TokenizerFactory.create(Llama2cTokenizerReader.read(tokenizerBin, vocabulary), tokenizerBin);
    }
}
