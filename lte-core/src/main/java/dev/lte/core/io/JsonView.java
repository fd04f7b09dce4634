package dev.lte.core.io;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/**
 * A place in an untrusted JSON document, with typed access: what is not of the expected type is a
 * {@link ModelFormatException} that names the place. Absent and null are the same.
 */
public final class JsonView {
    private static final int MAX_DEPTH = 64;

    private final JsonNode node;
    private final @Nullable Path file;
    private final @Nullable JsonView parent;
    private final String name;
    private final int index;

    private JsonView(JsonNode node, @Nullable Path file, @Nullable JsonView parent, String name, int index) {
        this.node = node;
        this.file = file;
        this.parent = parent;
        this.name = name;
        this.index = index;
    }

    /** Spelled out only when a message needs it: a vocabulary has very many places. */
    private String place() {
        if (parent == null) {
            return name;
        }
        return parent.place() + (index < 0 ? "." + name : "[" + index + "]");
    }

    public static JsonMapper mapper() {
        StreamReadConstraints limits = StreamReadConstraints.builder()
                .maxNestingDepth(MAX_DEPTH)
                .maxNameLength(1 << 16)
                .maxStringLength(1 << 24)
                .build();
        return JsonMapper.builder(
                        JsonFactory.builder().streamReadConstraints(limits).build())
                .build();
    }

    /** @param file where the bytes come from, for messages */
    public static JsonView parse(byte[] json, @Nullable Path file, String place) {
        try {
            return new JsonView(mapper().readTree(json), file, null, place, -1);
        } catch (JacksonException e) {
            String found = e.getOriginalMessage();
            throw new ModelFormatException(
                    file,
                    place,
                    e.getLocation() == null
                            ? ModelFormatException.NO_OFFSET
                            : e.getLocation().getByteOffset(),
                    "valid JSON",
                    found == null ? "none" : found);
        }
    }

    public JsonNode node() {
        return node;
    }

    public boolean isPresent() {
        return !node.isMissingNode() && !node.isNull();
    }

    public boolean isText() {
        return node.isString();
    }

    public boolean isArray() {
        return node.isArray();
    }

    public boolean isObject() {
        return node.isObject();
    }

    /** A member of this object; absent if there is none. */
    public JsonView get(String member) {
        JsonNode child = isPresent() ? requireObject().get(member) : null;
        return new JsonView(child == null ? MissingNode.getInstance() : child, file, this, member, -1);
    }

    private JsonNode requireObject() {
        if (!node.isObject()) {
            throw invalid("an object");
        }
        return node;
    }

    /** The elements of this array; none if it is absent. */
    public List<JsonView> elements() {
        if (!isPresent()) {
            return List.of();
        }
        if (!node.isArray()) {
            throw invalid("an array");
        }
        List<JsonView> elements = new ArrayList<>(node.size());
        for (int i = 0; i < node.size(); i++) {
            elements.add(new JsonView(node.get(i), file, this, "", i));
        }
        return elements;
    }

    /** The members of this object; none if it is absent. */
    public void forEach(BiConsumer<String, JsonView> action) {
        if (isPresent()) {
            for (Map.Entry<String, JsonNode> member : requireObject().properties()) {
                action.accept(member.getKey(), new JsonView(member.getValue(), file, this, member.getKey(), -1));
            }
        }
    }

    public String text() {
        if (!node.isString()) {
            throw invalid("a string");
        }
        return node.stringValue();
    }

    public @Nullable String textOrNull() {
        return isPresent() ? text() : null;
    }

    public String text(String fallback) {
        return isPresent() ? text() : fallback;
    }

    /** An id or a count: 0 or more. */
    public int integer() {
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 0) {
            throw invalid("an integer of 0 or more");
        }
        return node.intValue();
    }

    public int integer(int fallback) {
        return isPresent() ? integer() : fallback;
    }

    /** A finite number. */
    public double real() {
        if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
            throw invalid("a finite number");
        }
        return node.doubleValue();
    }

    public double real(double fallback) {
        return isPresent() ? real() : fallback;
    }

    public boolean flag(boolean fallback) {
        if (!isPresent()) {
            return fallback;
        }
        if (!node.isBoolean()) {
            throw invalid("true or false");
        }
        return node.booleanValue();
    }

    public ModelFormatException invalid(String expected) {
        String found = isPresent() ? node.toString() : "nothing";
        return invalid(expected, found.length() <= 100 ? found : found.substring(0, 100) + "...");
    }

    public ModelFormatException invalid(String expected, String found) {
        return new ModelFormatException(file, place(), ModelFormatException.NO_OFFSET, expected, found);
    }

    /** For a component that is sound but not implemented. */
    public UnsupportedModelException unsupported(String what) {
        return new UnsupportedModelException(
                (file == null ? "" : file + ": ") + place() + ": " + what + " is not supported",
                "use a model that does without it");
    }
}
