package dev.lte.core.token;

import dev.lte.UnsupportedModelException;
import dev.lte.core.io.FileContent;
import dev.lte.core.io.JsonView;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads the tokenizer of a model directory as the hub publishes it: tokenizer.json, else vocab.json and merges.txt,
 * else SentencePiece's tokenizer.model; with the special tokens that the configuration files beside it name.
 */
final class HubTokenizerReader {
    /** Ids without a token that a vocabulary may have beyond as many as it has tokens. */
    private static final int MOST_GAPS = 1 << 16;

    private final Path file;
    private final JsonView root;
    private final HubConfig config;
    private final Map<String, Integer> idOfToken = new HashMap<>();
    private @Nullable String[] tokens = {};

    private HubTokenizerReader(Path file, HubConfig config) {
        this.file = file;
        this.config = config;
        root = JsonView.parse(FileContent.of(file), file, "tokenizer");
    }

    static VocabularyTokenizer read(Path directory) {
        HubConfig config = new HubConfig(directory);
        Path json = directory.resolve("tokenizer.json");
        if (Files.exists(json)) {
            return TokenizerFactory.create(new HubTokenizerReader(json, config).metadata(), json);
        }
        Path vocabulary = directory.resolve("vocab.json");
        if (Files.exists(vocabulary) && Files.exists(directory.resolve("merges.txt"))) {
            return TokenizerFactory.create(VocabAndMergesReader.read(directory, config), vocabulary);
        }
        Path sentencePiece = directory.resolve("tokenizer.model");
        if (Files.exists(sentencePiece)) {
            return TokenizerFactory.create(SentencePieceReader.read(sentencePiece, config), sentencePiece);
        }
        throw new UnsupportedModelException(
                directory + " has no tokenizer.json, vocab.json with merges.txt, or tokenizer.model",
                "add the tokenizer's files, or give prompts as token ids");
    }

    private TokenizerMetadata metadata() {
        JsonView model = root.get("model");
        String type = model.get("type").isPresent() ? model.get("type").text() : "BPE";
        if (!type.equals("BPE") && !type.equals("WordPiece")) {
            throw model.unsupported("the model " + type);
        }
        refuse(model, "continuing_subword_prefix", type.equals("BPE") ? "" : "##");
        refuse(model, "end_of_word_suffix", "");
        if (model.get("dropout").isPresent() && model.get("dropout").node().asDouble(1) != 0) {
            throw model.get("dropout").unsupported("dropout");
        }
        readVocabulary(model.get("vocab"));
        int[] types = types(model);
        String[] pieces = pieces(type);
        String[] merges = type.equals("BPE") ? merges(model.get("merges")) : null;
        HubPreTokenizers preTokenizers = new HubPreTokenizers();
        preTokenizers.read(root.get("pre_tokenizer"));
        boolean byteLevel = preTokenizers.byteLevel();
        String ggmlModel = type.equals("WordPiece") ? "bert" : byteLevel ? "gpt2" : "llama";
        TokenizerMetadata.Builder builder = TokenizerMetadata.builder(ggmlModel, pieces, types);
        builder.merges = merges;
        if (ggmlModel.equals("llama")) {
            builder.pre = "default";
            builder.scores = scores(pieces, merges == null ? new String[0] : merges);
        } else if (byteLevel) {
            builder.pre = preTokenizerName(model.get("ignore_merges").flag(false));
        }
        builder.beginId = config.id("bos", idOfToken);
        builder.endId = config.id("eos", idOfToken);
        builder.paddingId = config.id("pad", idOfToken);
        String unknown = model.get("unk_token").textOrNull();
        builder.unknownId = unknown == null ? VocabularyTokenizer.NONE : idOfToken.getOrDefault(unknown, -1);
        builder.endOfTextIds = config.endOfTextIds(idOfToken, pieces.length);
        ObjectNode pipeline = pipeline(model);
        Ids prefix = new Ids();
        Ids suffix = new Ids();
        HubTemplate.read(root.get("post_processor"), idOfToken, pieces.length, prefix, suffix);
        overrideTemplate(builder, pipeline, prefix, suffix);
        builder.addBegin = builder.beginId >= 0 && contains(prefix, builder.beginId);
        builder.addEnd = builder.endId >= 0 && contains(suffix, builder.endId);
        builder.addSpacePrefix = HubDecoder.read(root.get("decoder"), byteLevel).stripsLeadingSpace();
        builder.pipeline = pipeline.toString();
        return builder.build();
    }

    private static void refuse(JsonView model, String option, String allowed) {
        String value = model.get(option).text(allowed);
        if (!value.equals(allowed)) {
            throw model.get(option).unsupported("the " + option + " \"" + value + "\"");
        }
    }

    private void readVocabulary(JsonView vocabulary) {
        if (!vocabulary.isObject()) {
            throw vocabulary.invalid("an object of tokens and ids");
        }
        List<JsonView> added = root.get("added_tokens").elements();
        int[] greatest = {-1};
        vocabulary.forEach((token, id) -> greatest[0] = Math.max(greatest[0], id.integer()));
        added.forEach(
                token -> greatest[0] = Math.max(greatest[0], token.get("id").integer()));
        int most = 2 * (vocabulary.node().size() + added.size()) + MOST_GAPS;
        if (greatest[0] >= most) {
            throw vocabulary.invalid("ids without large gaps", "the id " + greatest[0]);
        }
        tokens = new String[greatest[0] + 1];
        vocabulary.forEach((token, id) -> {
            if (tokens[id.integer()] != null) {
                throw id.invalid("an id of its own", id.integer() + ", the id of " + tokens[id.integer()] + " too");
            }
            tokens[id.integer()] = token;
            idOfToken.put(token, id.integer());
        });
        for (JsonView token : added) {
            String content = token.get("content").text();
            tokens[token.get("id").integer()] = content;
            idOfToken.putIfAbsent(content, token.get("id").integer());
        }
    }

    private int[] types(JsonView model) {
        int[] types = new int[tokens.length];
        boolean byteFallback = model.get("byte_fallback").flag(false);
        for (int id = 0; id < types.length; id++) {
            String token = tokens[id];
            if (token == null) {
                types[id] = TokenType.UNUSED;
            } else {
                types[id] = byteFallback && PieceStyle.byteOf(token) >= 0 ? TokenType.BYTE : TokenType.NORMAL;
            }
        }
        for (JsonView added : root.get("added_tokens").elements()) {
            boolean special = added.get("special").flag(false);
            types[added.get("id").integer()] = special ? TokenType.CONTROL : TokenType.USER_DEFINED;
        }
        String unknown = model.get("unk_token").textOrNull();
        Integer unknownId = unknown == null ? null : idOfToken.get(unknown);
        if (unknownId != null) {
            types[unknownId] = TokenType.UNKNOWN;
        }
        return types;
    }

    /** The tokens as GGUF writes them: WordPiece marks the begin of a word instead of its continuation. */
    private String[] pieces(String type) {
        Map<Integer, Boolean> added = new HashMap<>();
        root.get("added_tokens")
                .elements()
                .forEach(token -> added.put(token.get("id").integer(), true));
        String[] pieces = new String[tokens.length];
        for (int id = 0; id < pieces.length; id++) {
            String token = tokens[id] == null ? "" : tokens[id];
            boolean word = type.equals("WordPiece") && !token.isEmpty() && !added.containsKey(id);
            pieces[id] = !word ? token : token.startsWith("##") ? token.substring(2) : PieceStyle.SPACE + token;
        }
        return pieces;
    }

    private static String[] merges(JsonView json) {
        List<JsonView> elements = json.elements();
        String[] merges = new String[elements.size()];
        for (int rank = 0; rank < merges.length; rank++) {
            JsonView merge = elements.get(rank);
            if (merge.isText()) {
                merges[rank] = merge.text();
                continue;
            }
            List<JsonView> pair = merge.elements();
            if (pair.size() != 2) {
                throw merge.invalid("two tokens");
            }
            String left = pair.get(0).text();
            String right = pair.get(1).text();
            if (left.indexOf(' ', 1) > 0 || right.indexOf(' ') >= 0) {
                throw merge.unsupported("a merge of tokens with spaces");
            }
            merges[rank] = left + ' ' + right;
        }
        return merges;
    }

    /** For programs that go by scores only: the earlier a token's merge, the higher. */
    private float[] scores(String[] pieces, String[] merges) {
        float[] scores = new float[pieces.length];
        for (int rank = merges.length - 1; rank >= 0; rank--) {
            int space = merges[rank].indexOf(' ', 1);
            Integer merged = space < 0
                    ? null
                    : idOfToken.get(merges[rank].substring(0, space) + merges[rank].substring(space + 1));
            if (merged != null) {
                scores[merged] = -1f - rank;
            }
        }
        return scores;
    }

    /** The name by which GGUF knows the pre-tokenizer; one of our own if it knows none. */
    private String preTokenizerName(boolean ignoreMerges) {
        JsonView json = root.get("pre_tokenizer");
        JsonView split = json;
        if (json.get("type").text().equals("Sequence")) {
            List<JsonView> steps = json.get("pretokenizers").elements();
            split = steps.size() == 2 ? steps.getFirst() : steps.size() == 1 ? steps.getLast() : json;
        }
        String name = null;
        if (split.get("type").text().equals("ByteLevel")) {
            boolean plain = split.get("use_regex").flag(true)
                    && !split.get("add_prefix_space").flag(true);
            name = plain ? NamedPreTokenizers.nameOf(NamedPreTokenizers.GPT2, ignoreMerges) : null;
        } else if (split.get("type").text().equals("Split")
                && split.get("pattern").get("Regex").isPresent()) {
            name = NamedPreTokenizers.nameOf(split.get("pattern").get("Regex").text(), ignoreMerges);
        }
        return name == null ? "lte-pipeline" : name;
    }

    private ObjectNode pipeline(JsonView model) {
        ObjectNode pipeline = JsonView.mapper().createObjectNode();
        for (String part : List.of("added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder")) {
            JsonView json = root.get(part);
            if (json.isPresent()) {
                pipeline.set(part, json.node());
            }
        }
        ObjectNode rest = pipeline.putObject("model");
        model.forEach((name, json) -> {
            if (!name.equals("vocab") && !name.equals("merges")) {
                rest.set(name, json.node());
            }
        });
        rest.put("type", model.get("type").text("BPE"));
        return pipeline;
    }

    /** Llama's tokenizer class goes by its add_bos_token and add_eos_token and makes the template anew. */
    private void overrideTemplate(TokenizerMetadata.Builder builder, ObjectNode pipeline, Ids prefix, Ids suffix) {
        Boolean addBegin = config.option("add_bos_token");
        Boolean addEnd = config.option("add_eos_token");
        boolean llama = "LlamaTokenizer".equals(config.tokenizerClass());
        boolean noTemplate = prefix.size() == 0 && suffix.size() == 0;
        if (addBegin == null && addEnd == null || !llama && !noTemplate) {
            return;
        }
        boolean begin = addBegin == null ? llama : addBegin;
        boolean end = addEnd != null && addEnd;
        Ids newPrefix = ids(begin && builder.beginId >= 0, builder.beginId);
        Ids newSuffix = ids(end && builder.endId >= 0, builder.endId);
        if (Arrays.equals(prefix.toArray(), newPrefix.toArray())
                && Arrays.equals(suffix.toArray(), newSuffix.toArray())) {
            return;
        }
        ObjectNode template = pipeline.putObject("post_processor");
        template.put("type", "TemplateProcessing");
        ArrayNode single = template.putArray("single");
        ObjectNode names = template.putObject("special_tokens");
        addSpecial(single, names, newPrefix);
        single.addObject().putObject("Sequence").put("id", "A");
        addSpecial(single, names, newSuffix);
        replace(prefix, newPrefix);
        replace(suffix, newSuffix);
    }

    private void addSpecial(ArrayNode single, ObjectNode names, Ids ids) {
        for (int id : ids.toArray()) {
            String token = String.valueOf(tokens[id]);
            single.addObject().putObject("SpecialToken").put("id", token);
            names.putObject(token).putArray("ids").add(id);
        }
    }

    private static Ids ids(boolean wanted, int id) {
        Ids ids = new Ids();
        if (wanted) {
            ids.add(id);
        }
        return ids;
    }

    private static void replace(Ids target, Ids source) {
        target.clear();
        target.addAll(source.toArray());
    }

    private static boolean contains(Ids ids, int id) {
        return Arrays.stream(ids.toArray()).anyMatch(value -> value == id);
    }
}
