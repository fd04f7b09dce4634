package dev.lte.core.token;

import dev.lte.UnsupportedModelException;
import dev.lte.core.io.FileContent;
import dev.lte.core.io.JsonView;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads vocab.json and merges.txt, GPT-2's format of a byte-level vocabulary. They do not say how text is cut into
 * words: that goes by the tokenizer class or, without one, by the model type; without either it is GPT-2's.
 */
final class VocabAndMergesReader {
    private static final int MOST_GAPS = 1 << 16;

    private VocabAndMergesReader() {}

    static TokenizerMetadata read(Path directory, HubConfig config) {
        Path vocabFile = directory.resolve("vocab.json");
        JsonView vocabulary = JsonView.parse(FileContent.of(vocabFile), vocabFile, "vocabulary");
        if (!vocabulary.isObject()) {
            throw vocabulary.invalid("an object of tokens and ids");
        }
        Map<String, Integer> idOfToken = new HashMap<>();
        List<AddedTokens.Added> added = config.addedTokens();
        int[] greatest = {-1};
        vocabulary.forEach((token, id) -> greatest[0] = Math.max(greatest[0], id.integer()));
        added.forEach(token -> greatest[0] = Math.max(greatest[0], token.id()));
        if (greatest[0] >= 2 * (vocabulary.node().size() + added.size()) + MOST_GAPS) {
            throw vocabulary.invalid("ids without large gaps", "the id " + greatest[0]);
        }
        String[] tokens = new String[greatest[0] + 1];
        int[] types = new int[tokens.length];
        Arrays.fill(tokens, "");
        Arrays.fill(types, TokenType.UNUSED);
        vocabulary.forEach((token, id) -> {
            tokens[id.integer()] = token;
            types[id.integer()] = TokenType.NORMAL;
            idOfToken.put(token, id.integer());
        });
        for (AddedTokens.Added token : added) {
            tokens[token.id()] = token.text();
            types[token.id()] = token.special() ? TokenType.CONTROL : TokenType.USER_DEFINED;
            idOfToken.putIfAbsent(token.text(), token.id());
        }
        Style style = style(config);
        TokenizerMetadata.Builder builder = TokenizerMetadata.builder("gpt2", tokens, types);
        builder.pre = style.pre;
        builder.merges = merges(directory.resolve("merges.txt"));
        builder.beginId = role(config, "bos", style, idOfToken);
        builder.endId = role(config, "eos", style, idOfToken);
        builder.unknownId = role(config, "unk", style, idOfToken);
        builder.paddingId = role(config, "pad", style, idOfToken);
        for (int id : new int[] {builder.beginId, builder.endId, builder.unknownId, builder.paddingId}) {
            if (id >= 0) {
                types[id] = TokenType.CONTROL;
            }
        }
        Boolean addBegin = config.option("add_bos_token");
        Boolean addEnd = config.option("add_eos_token");
        builder.addBegin = builder.beginId >= 0 && (addBegin == null ? style.addsBegin : addBegin);
        builder.addEnd = builder.endId >= 0 && (addEnd == null ? style.addsEnd : addEnd);
        if (Boolean.TRUE.equals(config.option("add_prefix_space"))) {
            throw new UnsupportedModelException(
                    directory + ": add_prefix_space without a tokenizer.json is not supported",
                    "add the tokenizer's tokenizer.json");
        }
        List<Integer> ends = new ArrayList<>(config.endOfTextIds(idOfToken, tokens.length));
        if (ends.isEmpty() && builder.endId >= 0) {
            ends.add(builder.endId);
        }
        builder.endOfTextIds = ends;
        return builder.build();
    }

    private record Style(String pre, boolean addsBegin, boolean addsEnd, Map<String, String> roles) {}

    private static Style style(HubConfig config) {
        String name = config.tokenizerClass() != null ? config.tokenizerClass() : config.modelType();
        String known = name == null ? "GPT2Tokenizer" : name;
        String gptEnd = "<|endoftext|>";
        return switch (known) {
            case "GPT2Tokenizer", "gpt2", "gpt_neo", "gptj", "CodeGenTokenizer", "codegen" ->
                new Style("gpt-2", false, false, Map.of("bos", gptEnd, "eos", gptEnd, "unk", gptEnd));
            case "opt" ->
                new Style("gpt-2", true, false, Map.of("bos", "</s>", "eos", "</s>", "unk", "</s>", "pad", "<pad>"));
            case "RobertaTokenizer", "roberta", "BartTokenizer", "bart" ->
                new Style(
                        "roberta-bpe", true, true, Map.of("bos", "<s>", "eos", "</s>", "unk", "<unk>", "pad", "<pad>"));
            case "Qwen2Tokenizer", "qwen2", "qwen3", "qwen2_moe", "qwen3_moe" ->
                new Style("qwen2", false, false, Map.of("eos", gptEnd, "pad", gptEnd));
            default ->
                throw new UnsupportedModelException(
                        "vocab.json and merges.txt do not say how " + known + " cuts words, and LTE does not know it",
                        "add the tokenizer's tokenizer.json");
        };
    }

    private static int role(HubConfig config, String role, Style style, Map<String, Integer> idOfToken) {
        int id = config.id(role, idOfToken);
        String usual = style.roles.get(role);
        return id >= 0 || usual == null ? id : idOfToken.getOrDefault(usual, VocabularyTokenizer.NONE);
    }

    private static String[] merges(Path file) {
        String text = new String(FileContent.of(file), StandardCharsets.UTF_8);
        List<String> merges = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (String line : text.split("\r?\n")) {
            boolean header = merges.isEmpty() && line.startsWith("#version");
            if (!line.isEmpty() && !header && seen.add(line)) {
                merges.add(line);
            }
        }
        return merges.toArray(String[]::new);
    }
}
