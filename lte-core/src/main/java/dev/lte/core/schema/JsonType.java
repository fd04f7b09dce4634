package dev.lte.core.schema;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The types of JSON Schema. */
enum JsonType {
    NULL,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    ARRAY,
    OBJECT;

    static @Nullable JsonType byName(String name) {
        for (JsonType type : values()) {
            if (type.schemaName().equals(name)) {
                return type;
            }
        }
        return null;
    }

    private String schemaName() {
        return name().toLowerCase(Locale.ROOT);
    }

    static String names() {
        return Arrays.stream(values()).map(JsonType::schemaName).collect(Collectors.joining(", "));
    }

    /** Whether a value is of this type: 1.0 is an integer. */
    boolean includes(JsonNode value) {
        return switch (this) {
            case NULL -> value.isNull();
            case BOOLEAN -> value.isBoolean();
            case INTEGER -> value.isIntegralNumber();
            case NUMBER -> value.isNumber();
            case STRING -> value.isString();
            case ARRAY -> value.isArray();
            case OBJECT -> value.isObject();
        };
    }

    /** The types of values that are of both sets. */
    static EnumSet<JsonType> both(EnumSet<JsonType> a, EnumSet<JsonType> b) {
        EnumSet<JsonType> common = EnumSet.copyOf(a);
        common.retainAll(b);
        if (!common.contains(NUMBER)) {
            boolean integers =
                    (a.contains(NUMBER) && b.contains(INTEGER)) || (b.contains(NUMBER) && a.contains(INTEGER));
            if (integers) {
                common.add(INTEGER);
            }
        }
        return common;
    }
}
