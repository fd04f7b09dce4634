package dev.lte.core.convert;

import dev.lte.UnsupportedModelException;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.io.JsonView;
import dev.lte.core.source.Family;
import dev.lte.core.token.TokenizerMetadata;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a byte-level vocabulary, such as one that was learnt with its model, as GPT-2 and RoBERTa have theirs: vocab.json,
 * merges.txt and tokenizer_config.json. Other tokenizers are left out.
 */
final class HubTokenizerWriter {
    private static final Set<String> PRE_TOKENIZERS = Set.of("gpt-2", "roberta-bpe");
    /** Roles that transformers gives to tokens of these names. */
    private static final List<String> NAMED = List.of("unk", "mask");

    private HubTokenizerWriter() {}

    static void write(ModelSource source, Family family, Path directory) throws IOException {
        TokenizerMetadata tokenizer;
        try {
            tokenizer = source.tokenizer().metadata();
        } catch (UnsupportedModelException e) {
            return; // a model without a tokenizer is written without one
        }
        String[] merges = tokenizer.merges();
        boolean known = tokenizer.model().equals("gpt2")
                && tokenizer.pipeline() == null
                && tokenizer.pre() != null
                && PRE_TOKENIZERS.contains(tokenizer.pre());
        if (!known || merges == null || family != Family.GPT2 && family != Family.ROBERTA) {
            return;
        }
        ObjectNode vocabulary = JsonView.mapper().createObjectNode();
        for (int id = 0; id < tokenizer.tokens().length; id++) {
            vocabulary.put(tokenizer.tokens()[id], id);
        }
        write(directory, "vocab.json", JsonView.mapper().writeValueAsBytes(vocabulary));
        String lines = "#version: 0.2\n" + String.join("\n", merges) + "\n";
        write(directory, "merges.txt", lines.getBytes(StandardCharsets.UTF_8));
        byte[] config = JsonView.mapper()
                .writerWithDefaultPrettyPrinter()
                .writeValueAsBytes(config(tokenizer, family, source.config().contextLength()));
        write(directory, "tokenizer_config.json", config);
    }

    private static ObjectNode config(TokenizerMetadata tokenizer, Family family, int contextLength) {
        ObjectNode config = JsonView.mapper().createObjectNode();
        boolean encoder = family == Family.ROBERTA;
        config.put("tokenizer_class", encoder ? "RobertaTokenizer" : "GPT2Tokenizer");
        config.put("model_max_length", contextLength);
        put(config, "bos", tokenizer, tokenizer.beginId());
        put(config, "eos", tokenizer, tokenizer.endId());
        put(config, "pad", tokenizer, tokenizer.paddingId());
        if (encoder) {
            put(config, "cls", tokenizer, tokenizer.beginId());
            put(config, "sep", tokenizer, tokenizer.endId());
            List<String> tokens = List.of(tokenizer.tokens());
            NAMED.forEach(role -> put(config, role, tokenizer, tokens.indexOf("<" + role + ">")));
        } else {
            config.put("add_bos_token", tokenizer.addBegin());
        }
        return config;
    }

    private static void put(ObjectNode config, String role, TokenizerMetadata tokenizer, int id) {
        if (id >= 0) {
            config.put(role + "_token", tokenizer.tokens()[id]);
        }
    }

    private static void write(Path directory, String name, byte[] content) throws IOException {
        Path partial = directory.resolve(name + ".part");
        Files.write(partial, content);
        Files.move(partial, directory.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }
}
