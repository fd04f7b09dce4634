package dev.lte.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code lte train} in a process of its own, which is killed without warning, again and again, and resumed: it loses what came
 * behind its last checkpoint, and ends with the bits of a run that nobody disturbed.
 */
class KilledTrainingTest {
    private static final String CONFIG = """
            model: {family: llama, model: 48, ffn: 128, layers: 2, heads: 4, vocabulary: 300, contextLength: 32}
            data: {format: jsonl, train: train.jsonl, development: dev.jsonl}
            maxTokens: 32
            expertSize: 16
            backend: cpu
            threads: 2
            reportEvery: 1
            evaluateEvery: 10
            checkpointEvery: 4
            stages:
              - {routing: dense, steps: 40, batch: 32, rate: 3.0e-3}
              - {routing: learned, recipe: ramp, steps: 40, batch: 32, rate: 1.0e-3, targetSparsity: 0.5}
              - {routing: hard, steps: 25, batch: 32, rate: 1.0e-3}
            """;
    private static final int STEPS = 105;

    @TempDir
    private Path temporary;

    private Path config = Path.of("");
    private Path folder = Path.of("");
    private Path checkpoints = Path.of("");

    @BeforeEach
    void files() throws IOException {
        for (String name : List.of("train", "dev")) {
            Stream<String> lines = IntStream.range(0, name.equals("dev") ? 20 : 400)
                    .mapToObj(i -> "{\"prompt\":\"what is " + i * 7 % 400 + "?\",\"completion\":\" it is " + i + "\"}");
            Files.write(temporary.resolve(name + ".jsonl"), lines.toList());
        }
        config = Files.writeString(temporary.resolve("small.yaml"), CONFIG);
        folder = temporary.resolve("run");
        checkpoints = folder.resolve("checkpoints");
    }

    /** Resumes the run if it has begun: if its configuration is there. */
    private Process start(Path run) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.lte.examples.cli.LteCommand",
                "train"));
        command.addAll(
                Files.exists(run.resolve(RunRecord.CONFIG))
                        ? List.of("--resume", run.toString())
                        : List.of(config.toString(), "--out", run.toString()));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(temporary.resolve("out").toFile())
                .start();
    }

    private void finish(Path run) throws IOException, InterruptedException {
        Process process = start(run);
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("ended in time").isTrue();
        assertThat(process.exitValue())
                .as(Files.readString(temporary.resolve("out")))
                .isZero();
    }

    /** The newest complete one, or -1. */
    private long lastCheckpoint() throws IOException {
        return list().stream()
                .filter(name -> name.startsWith("step-") && name.endsWith(".safetensors"))
                .mapToLong(name -> Long.parseLong(name.substring(5, 14)))
                .max()
                .orElse(-1);
    }

    private boolean isWriting(List<String> old) throws IOException {
        return list().stream().anyMatch(name -> name.endsWith(".part") && !old.contains(name));
    }

    private List<String> list() throws IOException {
        try (Stream<Path> files = Files.list(checkpoints)) {
            return files.map(file -> String.valueOf(file.getFileName())).toList();
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    private List<JsonNode> events(Path run) throws IOException {
        return Files.readAllLines(run.resolve(RunRecord.EVENTS)).stream()
                .map(JsonMapper.shared()::readTree)
                .toList();
    }

    /** Everything of a step but what depends on time. */
    private List<String> steps(Path run) throws IOException {
        return events(run).stream()
                .filter(event -> event.get("event").stringValue().equals("Step"))
                .map(event -> event.get("step") + " " + event.get("taskLoss") + " " + event.get("eta") + " "
                        + event.get("gradientNorm") + " " + event.get("layerSparsity"))
                .toList();
    }

    /** When a run is killed. */
    private enum Moment {
        /** Any time after it was started, which takes about a second. */
        RANDOM,
        /** Behind the first checkpoint that it writes after some steps, so that the next one comes further. */
        BEHIND_CHECKPOINT,
        /** While it writes one. */
        WRITING
    }

    /** @return whether half a checkpoint was left */
    private boolean kill(Moment moment, SplittableRandom random) throws IOException, InterruptedException {
        long before = lastCheckpoint();
        // Left by an earlier kill, and removed by this process.
        List<String> old = list();
        Process process = start(folder);
        switch (moment) {
            case RANDOM -> process.waitFor(random.nextInt(2_000), TimeUnit.MILLISECONDS);
            case BEHIND_CHECKPOINT -> {
                while (lastCheckpoint() <= Math.max(0, before) && process.isAlive()) {
                    Thread.sleep(1);
                }
                process.waitFor(random.nextInt(100), TimeUnit.MILLISECONDS);
            }
            case WRITING -> {
                while (!isWriting(old) && process.isAlive()) {
                    Thread.onSpinWait();
                }
            }
        }
        process.destroyForcibly();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("killed").isTrue();
        return isWriting(old);
    }

    /** Kills the run at these moments, lets it end, and compares it with one that was left alone. */
    private void killAndCompare(long seed, List<Moment> moments) throws IOException, InterruptedException {
        Path whole = temporary.resolve("whole");
        if (Files.notExists(whole)) {
            finish(whole);
        }
        SplittableRandom random = new SplittableRandom(seed);
        for (Moment moment : moments) {
            boolean half = kill(moment, random);
            for (int i = 0; i < 20 && moment == Moment.WRITING && !half; i++) {
                half = kill(moment, random);
            }
            assertThat(half || moment != Moment.WRITING)
                    .as("left half a checkpoint, seed %s", seed)
                    .isTrue();
        }
        long reached = lastCheckpoint();
        assertThat(reached).as("last checkpoint, seed %s", seed).isBetween(1L, STEPS - 1L);
        finish(folder);

        assertThat(Files.readString(temporary.resolve("out"))).contains("resumed behind step " + reached);
        assertThat(isWriting(List.of())).as("half a checkpoint is left").isFalse();
        assertThat(steps(folder)).as("seed %s", seed).hasSize(STEPS).isEqualTo(steps(whole));
        assertThat(Files.mismatch(folder.resolve("model.gguf"), whole.resolve("model.gguf")))
                .as("first byte of the model that differs, seed %s", seed)
                .isEqualTo(-1);
    }

    @Test
    void aRunThatWasKilledEndsWithTheSameModel() throws IOException, InterruptedException {
        killAndCompare(3, List.of(Moment.WRITING, Moment.BEHIND_CHECKPOINT, Moment.RANDOM));
    }

    @Test
    @Tag("long")
    void aRunThatWasKilledManyTimesEndsWithTheSameModel() throws IOException, InterruptedException {
        for (long seed = 100; seed < 105; seed++) {
            folder = temporary.resolve("run" + seed);
            checkpoints = folder.resolve("checkpoints");
            List<Moment> moments = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                moments.addAll(List.of(Moment.RANDOM, Moment.WRITING, Moment.BEHIND_CHECKPOINT));
            }
            killAndCompare(seed, moments);
        }
    }
}
