package dev.lte.core.data;

import dev.lte.core.token.TokenizerLoader;
import dev.lte.core.token.VocabularyTokenizer;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** Small tokenizers for tests of batches. */
final class Tokenizers {
    private Tokenizers() {}

    /** Of a story model: begins texts with id 1, ends them with id 2. */
    static VocabularyTokenizer stories() {
        try {
            return TokenizerLoader.fromHubDirectory(
                    Path.of(Objects.requireNonNull(VocabularyTokenizer.class.getResource("tinystories-656k"))
                            .toURI()));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Bytes without merges, and begin, end, padding as RoBERTa has them: ids 0, 2, 1; byte letters from id 3 on. */
    static VocabularyTokenizer roberta(Path folder) throws IOException {
        StringBuilder vocabulary = new StringBuilder("{\"<s>\":0,\"<pad>\":1,\"</s>\":2,\"<unk>\":3");
        int id = 4;
        for (char letter = 'a'; letter <= 'z'; letter++) {
            vocabulary.append(",\"").append(letter).append("\":").append(id++);
        }
        vocabulary.append('}');
        Files.writeString(folder.resolve("vocab.json"), vocabulary);
        Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\n");
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"tokenizer_class\":\"RobertaTokenizer\"}");
        return TokenizerLoader.fromHubDirectory(folder);
    }
}
