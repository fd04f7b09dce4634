package dev.lte.core.token;

import dev.lte.core.io.JsonView;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the {@code pre_tokenizer} of a tokenizer.json. If its last step spells bytes, that step is left to the model,
 * which then takes plain text; used for one reading.
 */
final class HubPreTokenizers {
    private static final int MOST_STEPS = 64;

    private boolean byteLevel;
    private boolean rewritten;

    /** Whether the words that come out are text that the model has to spell in bytes; valid after {@link #read}. */
    boolean byteLevel() {
        return byteLevel;
    }

    List<PreTokenizer> read(JsonView json) {
        List<PreTokenizer> steps = new ArrayList<>();
        if (!json.isPresent()) {
            return steps;
        }
        read(json, steps, true);
        return steps;
    }

    private void read(JsonView json, List<PreTokenizer> steps, boolean last) {
        String type = json.get("type").text();
        if (steps.size() > MOST_STEPS) {
            throw json.unsupported("more than " + MOST_STEPS + " steps");
        }
        switch (type) {
            case "Sequence" -> {
                List<JsonView> parts = json.get("pretokenizers").elements();
                for (int i = 0; i < parts.size(); i++) {
                    read(parts.get(i), steps, last && i == parts.size() - 1);
                }
            }
            case "ByteLevel" -> byteLevel(json, steps, last);
            case "Split" -> steps.add(split(json));
            case "Digits" ->
                steps.add(PreTokenizer.split(
                        SplitPatternParser.parse("\\p{N}"),
                        json.get("individual_digits").flag(false) ? SplitBehavior.ISOLATED : SplitBehavior.CONTIGUOUS,
                        false));
            case "Punctuation" ->
                steps.add(PreTokenizer.split(
                        SplitPatternParser.parse("[\\p{P}!-/:-@\\[-`{-~]"),
                        behavior(json.get("behavior"), "Isolated"),
                        false));
            case "Whitespace" ->
                steps.add(PreTokenizer.split(SplitPatternParser.parse("\\w+|[^\\w\\s]+"), SplitBehavior.REMOVED, true));
            case "WhitespaceSplit" ->
                steps.add(PreTokenizer.split(SplitPatternParser.parse("\\s+"), SplitBehavior.REMOVED, false));
            case "BertPreTokenizer" -> steps.add(TokenizerFactory.bertWords());
            case "CharDelimiterSplit" ->
                steps.add(PreTokenizer.split(
                        SplitPatternParser.literal(json.get("delimiter").text()), SplitBehavior.REMOVED, false));
            case "Metaspace" -> metaspace(json, steps);
            default -> throw json.unsupported("the pre-tokenizer " + type);
        }
    }

    /** Steps that make a text longer could, repeated, do so without end. */
    private void rewriteOnce(JsonView json) {
        if (rewritten) {
            throw json.unsupported("a second ByteLevel or Metaspace");
        }
        rewritten = true;
    }

    private void byteLevel(JsonView json, List<PreTokenizer> steps, boolean last) {
        rewriteOnce(json);
        if (json.get("add_prefix_space").flag(true)) {
            steps.add(HubPreTokenizers::prefixSpace);
        }
        if (json.get("use_regex").flag(true)) {
            steps.add(PreTokenizer.isolate(NamedPreTokenizers.GPT2));
        }
        if (last) {
            byteLevel = true;
        } else {
            steps.add(HubPreTokenizers::spellBytes);
        }
    }

    private static PreTokenizer split(JsonView json) {
        JsonView literal = json.get("pattern").get("String");
        SplitPattern pattern = literal.isPresent()
                ? SplitPatternParser.literal(literal.text())
                : SplitPatternParser.parse(json.get("pattern").get("Regex").text());
        return PreTokenizer.split(
                pattern,
                behavior(json.get("behavior"), "Isolated"),
                json.get("invert").flag(false));
    }

    private static SplitBehavior behavior(JsonView json, String fallback) {
        String name = json.text(fallback);
        return switch (name) {
            case "Removed" -> SplitBehavior.REMOVED;
            case "Isolated" -> SplitBehavior.ISOLATED;
            case "MergedWithPrevious" -> SplitBehavior.MERGED_WITH_PREVIOUS;
            case "MergedWithNext" -> SplitBehavior.MERGED_WITH_NEXT;
            case "Contiguous" -> SplitBehavior.CONTIGUOUS;
            default -> throw json.invalid("a split behavior");
        };
    }

    private void metaspace(JsonView json, List<PreTokenizer> steps) {
        rewriteOnce(json);
        if (!json.get("replacement").text(String.valueOf(PieceStyle.SPACE)).equals(String.valueOf(PieceStyle.SPACE))) {
            throw json.get("replacement").unsupported("a replacement other than U+2581");
        }
        String scheme =
                json.get("prepend_scheme").text(json.get("add_prefix_space").flag(true) ? "always" : "never");
        if (!List.of("always", "first", "never").contains(scheme)) {
            throw json.get("prepend_scheme").invalid("always, first or never");
        }
        steps.add(pieces -> rewrite(pieces, (text, first, result) -> {
            String replaced = text.replace(' ', PieceStyle.SPACE);
            boolean prepend = scheme.equals("always") || scheme.equals("first") && first;
            if (prepend && replaced.charAt(0) != PieceStyle.SPACE) {
                result.append(PieceStyle.SPACE);
            }
            result.append(replaced);
        }));
        if (json.get("split").flag(true)) {
            SplitPattern space = SplitPatternParser.literal(String.valueOf(PieceStyle.SPACE));
            steps.add(PreTokenizer.split(space, SplitBehavior.MERGED_WITH_NEXT, false));
        }
    }

    private static Pieces prefixSpace(Pieces pieces) {
        return rewrite(
                pieces,
                (text, first, result) ->
                        result.append(text.charAt(0) == ' ' ? "" : " ").append(text));
    }

    private static Pieces spellBytes(Pieces pieces) {
        return rewrite(pieces, (text, first, result) -> result.append(ByteAlphabet.spell(text, 0, text.length())));
    }

    private interface Rewrite {
        /**
         * @param text not empty
         * @param first whether it is the begin of all that is encoded
         */
        void append(String text, boolean first, StringBuilder result);
    }

    private static Pieces rewrite(Pieces pieces, Rewrite rewrite) {
        StringBuilder text = new StringBuilder(pieces.text().length() + 16);
        int[] ends = new int[pieces.size()];
        for (int i = 0; i < pieces.size(); i++) {
            rewrite.append(pieces.text().substring(pieces.from(i), pieces.to(i)), pieces.isFirst(i), text);
            ends[i] = text.length();
        }
        Pieces result = pieces.empty(text.toString());
        for (int i = 0; i < ends.length; i++) {
            result.add(i == 0 ? 0 : ends[i - 1], ends[i]);
        }
        return result;
    }
}
