package dev.lte.examples.cli;

import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What stands in a run's folder beside checkpoints and the model, so that the run can be repeated: the configuration
 * ({@value #CONFIG}), versions and sums of the data files ({@value #RUN}), and all events ({@value #EVENTS}, one JSON object a
 * line).
 */
final class RunRecord implements AutoCloseable {
    static final String CONFIG = "config.yaml";
    static final String RUN = "run.json";
    static final String EVENTS = "events.jsonl";

    private static final JsonMapper MAPPER = Json.mapper();

    private final Path events;
    private @Nullable BufferedWriter writer;

    private RunRecord(Path events) {
        this.events = events;
    }

    /** Of a new run. */
    static RunRecord create(Path folder, String config, TrainingPlan plan) {
        try {
            Files.createDirectories(folder);
            Map<String, Object> about = new LinkedHashMap<>();
            about.put("lte", new LteCommand.Version().getVersion()[0]);
            about.put("java", System.getProperty("java.runtime.version"));
            about.put(
                    "os",
                    System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                            + System.getProperty("os.arch"));
            about.put("begun", Instant.now().toString());
            about.put("data", sums(plan));
            MAPPER.writerWithDefaultPrettyPrinter()
                    .writeValue(folder.resolve(RUN).toFile(), about);
            Files.deleteIfExists(folder.resolve(EVENTS));
            // At once, and last: a folder that has it can be resumed.
            Path complete = folder.resolve(CONFIG + ".part");
            Files.writeString(complete, config);
            Files.move(complete, folder.resolve(CONFIG), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write to " + folder, e);
        }
        return new RunRecord(folder.resolve(EVENTS));
    }

    /** Of a run that is resumed. */
    static RunRecord resume(Path folder) {
        return new RunRecord(folder.resolve(EVENTS));
    }

    private static Map<String, String> sums(TrainingPlan plan) throws IOException {
        Map<String, String> sums = new LinkedHashMap<>();
        List<Path> files = new ArrayList<>(List.of(plan.data().train()));
        if (plan.data().development() != null) {
            files.add(plan.data().development());
        }
        for (Path file : files) {
            sums.put(file.toString(), "sha256:" + sum(file));
        }
        return sums;
    }

    private static String sum(Path file) throws IOException {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JVM has SHA-256", e);
        }
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file)) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Writes an event; what a killed run wrote behind the checkpoint that is resumed is taken out first. */
    void add(TrainingEvent event) {
        try {
            if (event instanceof TrainingEvent.Started started) {
                keepUpTo(started.step());
            }
            BufferedWriter out = open();
            ObjectNode line = MAPPER.createObjectNode();
            line.put("event", event.getClass().getSimpleName());
            line.setAll((ObjectNode) MAPPER.<JsonNode>valueToTree(event));
            out.write(line.toString());
            out.newLine();
            if (!(event instanceof TrainingEvent.Step)) {
                out.flush();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + events, e);
        }
    }

    private BufferedWriter open() throws IOException {
        if (writer == null) {
            writer = Files.newBufferedWriter(
                    events, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
        return writer;
    }

    private void keepUpTo(long step) throws IOException {
        if (!Files.exists(events)) {
            return;
        }
        List<String> kept = new ArrayList<>();
        for (String line : Files.readAllLines(events)) {
            if (!line.endsWith("}")) {
                continue; // cut off when the run was killed
            }
            JsonNode at = MAPPER.readTree(line).get("step");
            if (at == null || at.asLong() <= step) {
                kept.add(line);
            }
        }
        Path shortened = events.resolveSibling(EVENTS + ".part");
        Files.write(shortened, kept);
        Files.move(shortened, events, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() {
        try {
            if (writer != null) {
                writer.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + events, e);
        }
    }
}
