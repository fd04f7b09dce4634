package dev.lte.core.token;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.core.format.gguf.GgufMetadata;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Reads {@code tokenizer.ggml.*}, with llama.cpp's defaults for what a file leaves out. */
final class GgufTokenizerReader {
    private static final String KEY = "tokenizer.ggml.";

    /** Control tokens that end a generation although many files do not say so. */
    private static final Set<String> ENDS = Set.of(
            "<|eot_id|>",
            "<|eom_id|>",
            "<|im_end|>",
            "<|end|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "<|end_of_text|>",
            "<EOT>",
            "<end_of_utterance>");

    private final GgufMetadata gguf;
    private final Path file;

    private GgufTokenizerReader(GgufMetadata gguf, Path file) {
        this.gguf = gguf;
        this.file = file;
    }

    static TokenizerMetadata read(GgufMetadata gguf, Path file) {
        return new GgufTokenizerReader(gguf, file).read();
    }

    private TokenizerMetadata read() {
        String model = gguf.stringOrNull(KEY + "model");
        if (model == null) {
            throw new UnsupportedModelException(
                    file + " has no tokenizer",
                    "give prompts as token ids, or convert the model again with its tokenizer");
        }
        String[] tokens = gguf.strings(KEY + "tokens");
        int[] types = types(tokens);
        TokenizerMetadata.Builder builder = TokenizerMetadata.builder(model, tokens, types);
        builder.scores = gguf.floatsOrNull(KEY + "scores");
        builder.merges = gguf.contains(KEY + "merges") ? gguf.strings(KEY + "merges") : null;
        builder.pre = gguf.stringOrNull(KEY + "pre");
        builder.pipeline = gguf.stringOrNull(TokenizerMetadata.PIPELINE_KEY);
        builder.unknownId = gguf.integer(KEY + "unknown_token_id", VocabularyTokenizer.NONE);
        builder.paddingId = gguf.integer(KEY + "padding_token_id", VocabularyTokenizer.NONE);
        builder.beginId = gguf.integer(KEY + "bos_token_id", VocabularyTokenizer.NONE);
        builder.endId = gguf.integer(KEY + "eos_token_id", VocabularyTokenizer.NONE);
        boolean addBegin = false;
        boolean addEnd = false;
        boolean addSpacePrefix = false;
        if (model.equals("llama")) {
            builder.beginId = builder.beginId < 0 && tokens.length > 2 ? 1 : builder.beginId;
            builder.endId = builder.endId < 0 && tokens.length > 2 ? 2 : builder.endId;
            addBegin = true;
            addSpacePrefix = true;
        } else if (model.equals("bert")) {
            builder.beginId = gguf.integer(KEY + "cls_token_id", builder.beginId);
            builder.endId = gguf.integer(KEY + "seperator_token_id", builder.endId);
            addBegin = builder.beginId >= 0;
            addEnd = builder.endId >= 0;
        } else if (model.equals("gpt2") && builder.pre != null && builder.pipeline == null) {
            addBegin = NamedPreTokenizers.of(builder.pre).addsBegin() && builder.beginId >= 0;
        }
        builder.addBegin = gguf.flag(KEY + "add_bos_token", addBegin);
        builder.addEnd = gguf.flag(KEY + "add_eos_token", addEnd);
        builder.addSpacePrefix = gguf.flag(KEY + "add_space_prefix", addSpacePrefix);
        builder.removeExtraSpaces = gguf.flag(KEY + "remove_extra_whitespaces", false);
        builder.endOfTextIds = endOfText(builder.endId, tokens, types);
        builder.rightStripIds = rightStrip(model, tokens, types);
        return builder.build();
    }

    private int[] types(String[] tokens) {
        long[] values = gguf.integersOrNull(KEY + "token_type");
        int[] types = new int[values == null ? tokens.length : values.length];
        Arrays.fill(types, TokenType.NORMAL);
        for (int id = 0; id < types.length; id++) {
            if (values != null) {
                types[id] = Math.clamp(values[id], 0, 100);
            } else if (PieceStyle.byteOf(tokens[id]) >= 0) {
                types[id] = TokenType.BYTE;
            }
        }
        return types;
    }

    private List<Integer> endOfText(int endId, String[] tokens, int[] types) {
        long[] recorded = gguf.integersOrNull(TokenizerMetadata.END_OF_TEXT_KEY);
        if (recorded != null) {
            return ids(TokenizerMetadata.END_OF_TEXT_KEY, recorded);
        }
        Set<Integer> ends = new LinkedHashSet<>();
        addIfPresent(ends, endId, tokens.length);
        addIfPresent(ends, gguf.integer(KEY + "eot_token_id", VocabularyTokenizer.NONE), tokens.length);
        addIfPresent(ends, gguf.integer(KEY + "eom_token_id", VocabularyTokenizer.NONE), tokens.length);
        for (int id = 0; id < Math.min(tokens.length, types.length); id++) {
            if (types[id] == TokenType.CONTROL && ENDS.contains(tokens[id])) {
                ends.add(id);
            }
        }
        return List.copyOf(ends);
    }

    private static void addIfPresent(Set<Integer> ids, int id, int size) {
        if (id >= 0 && id < size) {
            ids.add(id);
        }
    }

    /** Phi-3 marks its turn tokens so, for which GGUF has no key; llama.cpp goes by the name too. */
    private List<Integer> rightStrip(String model, String[] tokens, int[] types) {
        long[] recorded = gguf.integersOrNull(TokenizerMetadata.RIGHT_STRIP_KEY);
        if (recorded != null) {
            return ids(TokenizerMetadata.RIGHT_STRIP_KEY, recorded);
        }
        String name = gguf.stringOrNull("general.name");
        String lower = name == null ? "" : name.toLowerCase(Locale.ROOT);
        if (!model.equals("llama") || !lower.contains("phi-3") && !lower.contains("phi3")) {
            return List.of();
        }
        Set<Integer> ids = new LinkedHashSet<>();
        for (int id = 0; id < Math.min(tokens.length, types.length); id++) {
            boolean added = TokenType.isSpecial(types[id]) || types[id] == TokenType.USER_DEFINED;
            if (added && !Set.of("<unk>", "<s>", "<|endoftext|>").contains(tokens[id])) {
                ids.add(id);
            }
        }
        return List.copyOf(ids);
    }

    private List<Integer> ids(String key, long[] values) {
        return Arrays.stream(values)
                .mapToObj(value -> {
                    if (value < 0 || value > Integer.MAX_VALUE) {
                        throw new ModelFormatException(
                                file, key, ModelFormatException.NO_OFFSET, "token ids", String.valueOf(value));
                    }
                    return (int) value;
                })
                .toList();
    }
}
