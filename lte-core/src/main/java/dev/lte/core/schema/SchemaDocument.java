package dev.lte.core.schema;

import dev.lte.UnsupportedSchemaException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The text of a schema as a tree, and the places in it that references name. */
final class SchemaDocument {
    private static final int MAX_NESTING = 256;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_NESTING)
                            .maxNumberLength(200)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();

    private final JsonNode root;
    private final String rootPath;

    /** @param rootPath what paths begin with in messages */
    SchemaDocument(String text, String rootPath) {
        this.rootPath = rootPath;
        if (text.length() > Budget.MAX_SCHEMA_CHARS) {
            throw damaged("it has " + text.length() + " characters, more than " + Budget.MAX_SCHEMA_CHARS);
        }
        try {
            root = MAPPER.readTree(text);
        } catch (JacksonException e) {
            throw damaged("it is not JSON that can be read: " + e.getOriginalMessage());
        }
    }

    private UnsupportedSchemaException damaged(String problem) {
        return new UnsupportedSchemaException("", rootPath, problem, "give a schema as one JSON object");
    }

    JsonNode root() {
        return root;
    }

    String rootPath() {
        return rootPath;
    }

    /** The schema that a reference names, with its path. */
    record Place(JsonNode schema, String path) {}

    /** @param path of the schema that refers, for messages */
    Place resolve(String reference, String path) {
        if (!reference.startsWith("#") || (reference.length() > 1 && reference.charAt(1) != '/')) {
            throw new UnsupportedSchemaException(
                    "$ref",
                    path,
                    "only references into the same schema are supported, found " + reference,
                    "use #/$defs/...");
        }
        JsonNode at = root;
        if (reference.length() > 1) {
            for (String step : reference.substring(2).split("/", -1)) {
                JsonNode child = child(at, unescape(step, path));
                if (child == null) {
                    throw new UnsupportedSchemaException(
                            "$ref", path, "nothing is at " + reference, "correct the reference");
                }
                at = child;
            }
        }
        return new Place(at, rootPath + reference.substring(1));
    }

    private static @Nullable JsonNode child(JsonNode node, String step) {
        if (node.isObject()) {
            return node.get(step);
        }
        boolean index = !step.isEmpty() && step.length() < 7 && step.chars().allMatch(c -> c >= '0' && c <= '9');
        return node.isArray() && index ? node.get(Integer.parseInt(step)) : null;
    }

    private static String unescape(String step, String path) {
        try {
            return URLDecoder.decode(step.replace("+", "%2B"), StandardCharsets.UTF_8)
                    .replace("~1", "/")
                    .replace("~0", "~");
        } catch (IllegalArgumentException e) {
            throw new UnsupportedSchemaException(
                    "$ref", path, "damaged percent escape in " + step, "correct the reference");
        }
    }

    /** The path of a member of a schema. */
    static String child(String path, String... steps) {
        StringBuilder longer = new StringBuilder(path);
        for (String step : steps) {
            longer.append('/').append(step.replace("~", "~0").replace("/", "~1"));
        }
        return longer.toString();
    }
}
