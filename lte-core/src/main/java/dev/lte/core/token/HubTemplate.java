package dev.lte.core.token;

import dev.lte.core.io.JsonView;
import java.util.List;
import java.util.Map;

/** Reads the {@code post_processor} of a tokenizer.json: the special tokens in front of and behind a single text. */
final class HubTemplate {
    private static final int MOST_TOKENS = 64;

    private HubTemplate() {}

    /**
     * @param size of the vocabulary
     * @param prefix receives the ids in front
     * @param suffix receives the ids behind
     */
    static void read(JsonView json, Map<String, Integer> idOfToken, int size, Ids prefix, Ids suffix) {
        if (!json.isPresent()) {
            return;
        }
        String type = json.get("type").text();
        switch (type) {
            case "ByteLevel" -> {
                // It moves offsets, which LTE does not report.
            }
            case "TemplateProcessing" -> template(json, idOfToken, size, prefix, suffix);
            case "BertProcessing", "RobertaProcessing" -> {
                prefix.add(pair(json.get("cls"), size));
                suffix.add(pair(json.get("sep"), size));
            }
            case "Sequence" -> {
                List<JsonView> steps = json.get("processors").elements();
                long adding = steps.stream()
                        .filter(step -> !step.get("type").text().equals("ByteLevel"))
                        .count();
                if (adding > 1) {
                    throw json.unsupported("a sequence of several templates");
                }
                steps.forEach(step -> read(step, idOfToken, size, prefix, suffix));
            }
            default -> throw json.unsupported("the post-processor " + type);
        }
    }

    private static void template(JsonView json, Map<String, Integer> idOfToken, int size, Ids prefix, Ids suffix) {
        Ids ids = prefix;
        for (JsonView item : json.get("single").elements()) {
            JsonView special = item.get("SpecialToken");
            if (!special.isPresent()) {
                if (ids == suffix || !item.get("Sequence").isPresent()) {
                    throw item.invalid("special tokens around one sequence");
                }
                ids = suffix;
                continue;
            }
            if (ids.size() > MOST_TOKENS) {
                throw json.unsupported("a template of more than " + MOST_TOKENS + " tokens");
            }
            String name = special.get("id").text();
            JsonView listed = json.get("special_tokens").get(name).get("ids");
            if (listed.isPresent()) {
                for (JsonView id : listed.elements()) {
                    ids.add(inVocabulary(id, size));
                }
            } else {
                Integer id = idOfToken.get(name);
                if (id == null) {
                    throw special.invalid("a token of the vocabulary");
                }
                ids.add(id);
            }
        }
    }

    private static int pair(JsonView json, int size) {
        List<JsonView> elements = json.elements();
        if (elements.size() != 2) {
            throw json.invalid("a token and its id");
        }
        return inVocabulary(elements.get(1), size);
    }

    private static int inVocabulary(JsonView id, int size) {
        if (id.integer() >= size) {
            throw id.invalid("an id of the vocabulary");
        }
        return id.integer();
    }
}
