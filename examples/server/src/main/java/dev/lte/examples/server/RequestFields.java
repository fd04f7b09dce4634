package dev.lte.examples.server;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The fields of a JSON object in a request, with typed access. What is of the wrong type is an error that names the field, and
 * so is every field that nobody asked for: an option is never ignored. Null is the same as absent.
 */
final class RequestFields {
    static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder().maxNestingDepth(300).build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final JsonNode object;
    private final String path;
    private final Set<String> asked = new LinkedHashSet<>();

    private RequestFields(JsonNode object, String path) {
        this.object = object;
        this.path = path;
        if (!object.isObject()) {
            throw ApiException.invalid(path.isEmpty() ? null : path, "Expected a JSON object" + at() + ".");
        }
    }

    static RequestFields parse(byte[] body) {
        try {
            return new RequestFields(MAPPER.readTree(body), "");
        } catch (JacksonException e) {
            throw ApiException.invalid(null, "The body is not valid JSON: " + e.getOriginalMessage());
        }
    }

    static RequestFields of(JsonNode object, String path) {
        return new RequestFields(object, path);
    }

    private String at() {
        return path.isEmpty() ? "" : " at " + path;
    }

    String name(String field) {
        return path.isEmpty() ? field : path + "." + field;
    }

    /** The value as it stands, or null. */
    @Nullable
    JsonNode node(String field) {
        asked.add(field);
        JsonNode value = object.get(field);
        return value == null || value.isNull() ? null : value;
    }

    @Nullable
    String text(String field) {
        JsonNode value = node(field);
        if (value == null) {
            return null;
        }
        if (!value.isString()) {
            throw wrong(field, "a string");
        }
        return value.stringValue();
    }

    String requiredText(String field) {
        String text = text(field);
        if (text == null) {
            throw missing(field);
        }
        return text;
    }

    @Nullable
    Double number(String field) {
        JsonNode value = node(field);
        if (value == null) {
            return null;
        }
        if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
            throw wrong(field, "a number");
        }
        return value.doubleValue();
    }

    @Nullable
    Long integer(String field) {
        JsonNode value = node(field);
        if (value == null) {
            return null;
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw wrong(field, "an integer");
        }
        return value.longValue();
    }

    /** A count of 1 or more. */
    @Nullable
    Integer count(String field) {
        Long value = integer(field);
        if (value == null) {
            return null;
        }
        if (value < 1 || value > Integer.MAX_VALUE) {
            throw wrong(field, "an integer of 1 or more");
        }
        return value.intValue();
    }

    @Nullable
    Boolean flag(String field) {
        JsonNode value = node(field);
        if (value == null) {
            return null;
        }
        if (!value.isBoolean()) {
            throw wrong(field, "true or false");
        }
        return value.booleanValue();
    }

    boolean flag(String field, boolean fallback) {
        Boolean value = flag(field);
        return value == null ? fallback : value;
    }

    @Nullable
    RequestFields child(String field) {
        JsonNode value = node(field);
        return value == null ? null : new RequestFields(value, name(field));
    }

    /** The objects of an array; none if it is absent. */
    List<RequestFields> children(String field) {
        JsonNode value = node(field);
        List<RequestFields> children = new ArrayList<>();
        if (value != null) {
            if (!value.isArray()) {
                throw wrong(field, "an array");
            }
            for (int i = 0; i < value.size(); i++) {
                children.add(new RequestFields(value.get(i), name(field) + "[" + i + "]"));
            }
        }
        return children;
    }

    /** A string or an array of strings; none if it is absent. */
    List<String> texts(String field) {
        JsonNode value = node(field);
        List<String> texts = new ArrayList<>();
        if (value != null) {
            for (JsonNode element : value.isArray() ? value : List.of(value)) {
                if (!element.isString()) {
                    throw wrong(field, "a string or an array of strings");
                }
                texts.add(element.stringValue());
            }
        }
        return texts;
    }

    /** Fields that change nothing about the answer: they are for the service that keeps accounts. */
    void accept(String... fields) {
        asked.addAll(List.of(fields));
    }

    /** A field that may only have the value that it has without being sent. */
    void requireDefault(String field, JsonNode only) {
        JsonNode value = node(field);
        if (value != null && !value.equals(only)) {
            throw ApiException.invalid(
                    name(field),
                    "Only " + only + " is supported for " + name(field) + ", found " + value + ".",
                    "unsupported_value");
        }
    }

    /** Call when all fields were asked for. */
    void requireNoOthers() {
        for (String field : object.propertyNames()) {
            if (!asked.contains(field) && !object.get(field).isNull()) {
                throw ApiException.invalid(
                        name(field), "Unknown or unsupported parameter: '" + name(field) + "'.", "unknown_parameter");
            }
        }
    }

    ApiException missing(String field) {
        return ApiException.invalid(
                name(field), "Missing required parameter: '" + name(field) + "'.", "missing_required_parameter");
    }

    ApiException wrong(String field, String expected) {
        return ApiException.invalid(
                name(field),
                "Invalid type or value for '" + name(field) + "': expected " + expected + ".",
                "invalid_type");
    }
}
