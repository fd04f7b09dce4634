package dev.lte.core.token;

import dev.lte.core.io.FileContent;
import dev.lte.core.io.JsonView;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the files beside a tokenizer say about its special tokens. Files that are not there say nothing. */
final class HubConfig {
    private final JsonView tokenizerConfig;
    private final JsonView specialTokens;
    private final JsonView config;
    private final JsonView generationConfig;

    HubConfig(Path directory) {
        tokenizerConfig = read(directory, "tokenizer_config.json");
        specialTokens = read(directory, "special_tokens_map.json");
        config = read(directory, "config.json");
        generationConfig = read(directory, "generation_config.json");
    }

    private static JsonView read(Path directory, String name) {
        Path file = directory.resolve(name);
        byte[] content = Files.exists(file) ? FileContent.of(file) : new byte[] {'{', '}'};
        JsonView view = JsonView.parse(content, file, name);
        if (!view.isObject()) {
            throw view.invalid("an object");
        }
        return view;
    }

    /** The token that plays a role such as {@code bos_token}, or null. */
    @Nullable
    String token(String role) {
        String token = token(tokenizerConfig.get(role));
        return token == null ? token(specialTokens.get(role)) : token;
    }

    private static @Nullable String token(JsonView json) {
        return json.isObject() ? json.get("content").text() : json.isText() ? json.text() : null;
    }

    /** The class that reads the tokenizer, without {@code Fast} at its end, or null. */
    @Nullable
    String tokenizerClass() {
        String name = tokenizerConfig.get("tokenizer_class").textOrNull();
        return name == null || !name.endsWith("Fast") ? name : name.substring(0, name.length() - 4);
    }

    @Nullable
    String modelType() {
        return config.get("model_type").textOrNull();
    }

    /** A switch of the tokenizer such as {@code add_bos_token}, or null. */
    @Nullable
    Boolean option(String name) {
        JsonView option = tokenizerConfig.get(name);
        return option.isPresent() ? option.flag(false) : null;
    }

    /** Tokens that the tokenizer's configuration adds. */
    List<AddedTokens.Added> addedTokens() {
        List<AddedTokens.Added> added = new ArrayList<>();
        JsonView decoder = tokenizerConfig.get("added_tokens_decoder");
        decoder.forEach((id, token) -> {
            if (!id.matches("\\d{1,9}")) {
                throw decoder.invalid("ids", id);
            }
            boolean special = token.get("special").flag(false);
            added.add(AddedTokens.Added.plain(token.get("content").text(), Integer.parseInt(id), special));
        });
        return added;
    }

    /**
     * The id of a role such as {@code bos} by token or, failing that, by number; {@link VocabularyTokenizer#NONE} if
     * neither.
     */
    int id(String role, Map<String, Integer> idOfToken) {
        String token = token(role + "_token");
        Integer id = token == null ? null : idOfToken.get(token);
        JsonView number = config.get(role + "_token_id");
        if (id == null && number.isPresent() && number.node().isIntegralNumber()) {
            int value = number.node().canConvertToInt() ? number.node().intValue() : VocabularyTokenizer.NONE;
            return idOfToken.containsValue(value) ? value : VocabularyTokenizer.NONE;
        }
        return id == null ? VocabularyTokenizer.NONE : id;
    }

    /** Every id that one of the files calls end of text, the generation's own first. */
    List<Integer> endOfTextIds(Map<String, Integer> idOfToken, int size) {
        Set<Integer> ids = new LinkedHashSet<>();
        for (JsonView source : List.of(generationConfig, config)) {
            JsonView end = source.get("eos_token_id");
            List<JsonView> listed = end.isArray() ? end.elements() : end.isPresent() ? List.of(end) : List.of();
            for (JsonView id : listed) {
                int value = id.integer();
                // Some configurations name ids of a larger, padded vocabulary; no token can have them.
                if (value < size) {
                    ids.add(value);
                }
            }
        }
        int named = id("eos", idOfToken);
        if (named >= 0) {
            ids.add(named);
        }
        return List.copyOf(ids);
    }
}
