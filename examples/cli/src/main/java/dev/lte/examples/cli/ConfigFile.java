package dev.lte.examples.cli;

import dev.lte.InvalidRequestException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** A configuration in YAML as a tree, with options of the command line put into it. Keys that are not known are errors. */
final class ConfigFile {
    /** Keys whose values are files; relative ones are meant from the folder of the configuration. */
    private static final List<String> FILES = List.of("start", "data.train", "data.development");

    private static final long LONGEST = 1 << 20;

    private static final YAMLMapper MAPPER = YAMLMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .build();

    private final Path file;
    private final ObjectNode root;

    private ConfigFile(Path file, ObjectNode root) {
        this.file = file;
        this.root = root;
    }

    static ConfigFile read(Path file) {
        try {
            if (Files.size(file) > LONGEST) {
                throw new InvalidRequestException("config", "a file of at most " + LONGEST + " bytes", file);
            }
            if (MAPPER.readTree(Files.readString(file)) instanceof ObjectNode root) {
                ConfigFile config = new ConfigFile(file, root);
                FILES.forEach(config::resolve);
                return config;
            }
            throw new InvalidRequestException("config", "keys and values", file);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        } catch (JacksonException e) {
            throw new InvalidRequestException("config " + file, "YAML", firstLine(e));
        }
    }

    private static String firstLine(JacksonException failure) {
        String message = String.valueOf(failure.getOriginalMessage());
        String where = failure.getLocation() == null
                ? ""
                : " at line " + failure.getLocation().getLineNr();
        return message.lines().findFirst().orElse("") + where;
    }

    private void resolve(String key) {
        JsonNode value = root.at("/" + key.replace('.', '/'));
        if (value.isString()) {
            Path given = Path.of(value.stringValue());
            Path absolute = file.toAbsolutePath().resolveSibling(given).normalize();
            set(key, StringNode.valueOf(absolute.toString()));
        }
    }

    /**
     * Replaces a value.
     *
     * @param assignment {@code key=value} with a key such as {@code stages.1.eta}, stages counted from 0; files are meant from
     *     the current folder
     */
    void set(String assignment) {
        int equals = assignment.indexOf('=');
        if (equals < 1) {
            throw new InvalidRequestException("--set", "key=value, such as stages.1.eta=0.5", assignment);
        }
        String key = assignment.substring(0, equals);
        String value = assignment.substring(equals + 1);
        String absolute = FILES.contains(key)
                ? Path.of(value).toAbsolutePath().normalize().toString()
                : value;
        set(key, FILES.contains(key) ? StringNode.valueOf(absolute) : scalar(absolute));
    }

    /** What a value of the command line is: one, or a list of numbers such as {@code [0.3, 0.7]}. */
    private static JsonNode scalar(String value) {
        try {
            JsonNode parsed = MAPPER.readTree(value);
            return parsed.isValueNode() || isNumbers(parsed) ? parsed : StringNode.valueOf(value);
        } catch (JacksonException e) {
            // Not YAML by itself: text.
            return StringNode.valueOf(value);
        }
    }

    private static boolean isNumbers(JsonNode node) {
        return node.isArray() && node.valueStream().allMatch(JsonNode::isNumber);
    }

    private void set(String key, JsonNode value) {
        List<String> names = List.of(key.split("\\."));
        JsonNode parent = root;
        for (String name : names.subList(0, names.size() - 1)) {
            JsonNode child = child(parent, name);
            if (child == null && parent instanceof ObjectNode object) {
                child = object.putObject(name);
            }
            if (child == null) {
                throw new InvalidRequestException("--set", "a key of the configuration", key);
            }
            parent = child;
        }
        switch (parent) {
            case ObjectNode object -> object.set(names.getLast(), value);
            case ArrayNode ignored ->
                throw new InvalidRequestException("--set", "a key of a stage, such as stages.1.eta", key);
            default -> throw new InvalidRequestException("--set", "a key of the configuration", key);
        }
    }

    private static @Nullable JsonNode child(JsonNode parent, String name) {
        return parent.isArray() && name.matches("\\d{1,4}") ? parent.get(Integer.parseInt(name)) : parent.get(name);
    }

    /** @throws InvalidRequestException that names the key at fault */
    RunConfig bind() {
        try {
            return MAPPER.treeToValue(root, RunConfig.class);
        } catch (UnrecognizedPropertyException e) {
            throw new InvalidRequestException(
                    file + ": " + place(e), "one of " + e.getKnownPropertyIds(), "'" + e.getPropertyName() + "'");
        } catch (DatabindException e) {
            throw new InvalidRequestException(file + ": " + place(e), "a value of the right kind", firstLine(e));
        }
    }

    private static String place(DatabindException failure) {
        StringBuilder place = new StringBuilder();
        failure.getPath().forEach(step -> {
            if (!place.isEmpty()) {
                place.append('.');
            }
            place.append(step.getPropertyName() == null ? String.valueOf(step.getIndex()) : step.getPropertyName());
        });
        return place.isEmpty() ? "config" : place.toString();
    }

    /** The data files that it names, by key. */
    Map<String, Path> dataFiles() {
        Map<String, Path> files = new LinkedHashMap<>();
        for (String key : FILES) {
            JsonNode value = root.at("/" + key.replace('.', '/'));
            if (key.startsWith("data.") && value.isString()) {
                files.put(key, Path.of(value.stringValue()));
            }
        }
        return files;
    }

    /** The configuration as it is used, with absolute paths. */
    String yaml() {
        return MAPPER.writeValueAsString(root);
    }
}
