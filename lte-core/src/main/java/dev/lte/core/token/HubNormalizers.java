package dev.lte.core.token;

import dev.lte.core.io.JsonView;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;

/** Reads the {@code normalizer} of a tokenizer.json. */
final class HubNormalizers {
    private static final int LONGEST_INSERTION = 64;

    private HubNormalizers() {}

    static TextNormalizer read(JsonView json) {
        if (!json.isPresent()) {
            return TextNormalizer.NONE;
        }
        String type = json.get("type").text();
        return switch (type) {
            case "Sequence" -> {
                List<TextNormalizer> steps = new ArrayList<>();
                json.get("normalizers").elements().forEach(step -> steps.add(read(step)));
                yield TextNormalizer.sequence(steps);
            }
            case "Prepend" -> TextNormalizer.prepend(insertion(json.get("prepend")));
            case "Replace" -> {
                String content = insertion(json.get("content"));
                JsonView literal = json.get("pattern").get("String");
                if (literal.isPresent()) {
                    yield TextNormalizer.replace(SplitPatternParser.literal(literal.text()), content);
                }
                yield TextNormalizer.replace(
                        SplitPatternParser.parse(
                                json.get("pattern").get("Regex").text()),
                        content);
            }
            case "NFC" -> TextNormalizer.form(Normalizer.Form.NFC);
            case "NFD" -> TextNormalizer.form(Normalizer.Form.NFD);
            case "NFKC" -> TextNormalizer.form(Normalizer.Form.NFKC);
            case "NFKD" -> TextNormalizer.form(Normalizer.Form.NFKD);
            case "Lowercase" -> TextNormalizer.lowercase();
            case "Strip" ->
                TextNormalizer.strip(
                        json.get("strip_left").flag(true),
                        json.get("strip_right").flag(true));
            case "StripAccents" -> TextNormalizer.stripAccents();
            case "BertNormalizer" -> bert(json);
            default -> throw json.unsupported("the normalizer " + type);
        };
    }

    private static String insertion(JsonView json) {
        if (json.text().length() > LONGEST_INSERTION) {
            throw json.unsupported("an insertion of more than " + LONGEST_INSERTION + " characters");
        }
        return json.text();
    }

    private static TextNormalizer bert(JsonView json) {
        List<TextNormalizer> steps = new ArrayList<>();
        if (json.get("clean_text").flag(true)) {
            steps.add(TextNormalizer.bertClean());
        }
        if (json.get("handle_chinese_chars").flag(true)) {
            steps.add(TextNormalizer.spaceIdeographs());
        }
        boolean lowercase = json.get("lowercase").flag(true);
        if (json.get("strip_accents").flag(lowercase)) {
            steps.add(TextNormalizer.form(Normalizer.Form.NFD));
            steps.add(TextNormalizer.stripAccents());
        }
        if (lowercase) {
            steps.add(TextNormalizer.lowercase());
        }
        return TextNormalizer.sequence(steps);
    }
}
