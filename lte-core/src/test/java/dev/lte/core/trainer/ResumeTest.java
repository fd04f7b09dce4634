package dev.lte.core.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import dev.lte.ModelFormatException;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.Disposable;
import reactor.core.Disposables;

/** A run that was interrupted anywhere, and by whatever, ends as if it had not been. */
class ResumeTest {
    @TempDir
    static Path shared;

    @TempDir
    Path temporary;

    private static Path train = Path.of("");
    private static Path development = Path.of("");
    private static Path whole = Path.of("");
    private static List<TrainingEvent> events = List.of();

    @BeforeAll
    static void runWithoutInterruption() throws IOException {
        train = SmallRun.data(shared, "train.jsonl", 90, 1);
        development = SmallRun.data(shared, "dev.jsonl", 20, 2);
        whole = shared.resolve("whole");
        events = SmallRun.run(plan(whole));
        assertThat(events.getLast()).isInstanceOf(TrainingEvent.Completed.class);
        assertThat(SmallRun.steps(events)).hasSize(19);
    }

    private static TrainingPlan plan(Path folder) {
        return SmallRun.plan(train, development, folder, plan -> {});
    }

    @Test
    void everyCheckpointLeadsToTheSameModel() throws IOException {
        List<Path> checkpoints = checkpoints(whole);
        assertThat(checkpoints).hasSizeGreaterThan(9);
        for (int keep = 1; keep <= checkpoints.size(); keep++) {
            Path folder = copy(temporary.resolve("from" + keep), keep);
            List<TrainingEvent> resumed = SmallRun.run(plan(folder));
            long from = ((TrainingEvent.Started) resumed.getFirst()).step();
            assertThat(SmallRun.steps(resumed))
                    .as("steps behind step %s", from)
                    .isEqualTo(SmallRun.steps(events).subList((int) from, 19));
            assertSameModel(folder, "resumed behind step " + from);
        }
    }

    @Test
    void aDamagedCheckpointIsPassedOverForTheOneBefore() throws IOException {
        Path folder = copy(temporary.resolve("damaged"), 6);
        List<Path> checkpoints = checkpoints(folder);
        Path newest = checkpoints.getLast();
        byte[] bytes = Files.readAllBytes(newest);
        Files.write(newest, java.util.Arrays.copyOf(bytes, bytes.length / 2));
        Path unfinished = Files.write(newest.resolveSibling("step-000000099.safetensors.x.part"), bytes);
        List<TrainingEvent> resumed = SmallRun.run(plan(folder));
        String before = String.valueOf(checkpoints.get(checkpoints.size() - 2).getFileName());
        assertThat(before).contains("00" + ((TrainingEvent.Started) resumed.getFirst()).step() + ".");
        assertSameModel(folder, "a half checkpoint");
        assertThat(unfinished).doesNotExist();
    }

    @Test
    void aFlippedByteIsPassedOverForTheCheckpointBefore() throws IOException {
        Path folder = copy(temporary.resolve("flipped"), 5);
        List<Path> checkpoints = checkpoints(folder);
        flip(checkpoints.getLast());
        List<TrainingEvent> resumed = SmallRun.run(plan(folder));
        String before = String.valueOf(checkpoints.get(checkpoints.size() - 2).getFileName());
        assertThat(before).contains("00" + ((TrainingEvent.Started) resumed.getFirst()).step() + ".");
        assertSameModel(folder, "a flipped byte");
    }

    @Test
    void aRunWithoutASoundCheckpointIsNotBegunAgainOverIt() throws IOException {
        Path folder = copy(temporary.resolve("all"), 2);
        List<Path> checkpoints = checkpoints(folder);
        for (Path file : checkpoints) {
            flip(file);
        }
        assertThatThrownBy(() -> SmallRun.run(plan(folder)))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(String.valueOf(checkpoints.getLast()))
                .satisfies(failure -> assertThat(failure.getSuppressed()[0])
                        .hasMessageContaining(String.valueOf(checkpoints.get(0))));
    }

    private static void flip(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[2 * bytes.length / 3] ^= 4;
        Files.write(file, bytes);
    }

    @Test
    void stoppingLeavesACheckpointThatGoesOn() throws IOException {
        Path folder = temporary.resolve("stopped");
        AtomicInteger asked = new AtomicInteger();
        List<TrainingEvent> first = new ArrayList<>();
        SmallRun.events(plan(folder), () -> asked.incrementAndGet() > 4)
                .doOnNext(first::add)
                .blockLast();
        assertThat(first.getLast()).isInstanceOfSatisfying(TrainingEvent.Stopped.class, stopped -> {
            assertThat(stopped.step()).isEqualTo(4);
            assertThat(stopped.checkpoint()).exists();
        });
        List<String> steps = new ArrayList<>(SmallRun.steps(first));
        steps.addAll(SmallRun.steps(SmallRun.run(plan(folder))));
        assertThat(steps).isEqualTo(SmallRun.steps(events));
        assertSameModel(folder, "stopped");
    }

    @Test
    void cancellingLeavesACheckpointThatGoesOn() throws Exception {
        Path folder = temporary.resolve("cancelled");
        AtomicInteger seen = new AtomicInteger();
        Disposable.Swap run = Disposables.swap();
        CountDownLatch cancelled = new CountDownLatch(1);
        CountDownLatch subscribed = new CountDownLatch(1);
        run.update(SmallRun.events(plan(folder), () -> false).subscribe(event -> {
            if (event instanceof TrainingEvent.Step && seen.incrementAndGet() == 2) {
                awaitUninterrupted(subscribed);
                run.dispose();
                cancelled.countDown();
            }
        }));
        subscribed.countDown();
        assertThat(cancelled.await(60, TimeUnit.SECONDS)).isTrue();
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (true) {
            try {
                SmallRun.run(plan(folder));
                break;
            } catch (InvalidRequestException e) {
                // The cancelled run has the folder until its checkpoint is written.
                assertThat(e.option()).isEqualTo("folder");
                assertThat(System.nanoTime()).as("time").isLessThan(deadline);
                Thread.sleep(20);
            }
        }
        assertThat(seen.get()).isEqualTo(2);
        assertSameModel(folder, "cancelled");
    }

    @Test
    void aPlanThatDiffersIsRefusedWithTheOptionThatDoes() throws IOException {
        Path folder = copy(temporary.resolve("other"), 3);
        TrainingPlan other = SmallRun.plan(train, development, folder, plan -> plan.seed(6));
        assertThatThrownBy(() -> SmallRun.run(other))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("seed: expected 5, as when")
                .hasMessageContaining("found 6");
    }

    @Test
    void aRunThatIsCompleteWritesItsModelAgain() throws IOException {
        Path folder = copy(temporary.resolve("complete"), Integer.MAX_VALUE);
        List<TrainingEvent> resumed = SmallRun.run(plan(folder));
        assertThat(SmallRun.steps(resumed)).isEmpty();
        assertSameModel(folder, "complete");
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static List<Path> checkpoints(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("checkpoints"))) {
            return files.filter(file -> String.valueOf(file.getFileName()).startsWith("step-"))
                    .sorted()
                    .toList();
        }
    }

    /** What a kill behind the checkpoint of this number would have left: later files of the best state included. */
    private static Path copy(Path folder, int keep) throws IOException {
        Files.createDirectories(folder.resolve("checkpoints"));
        Files.copy(whole.resolve("initial.gguf"), folder.resolve("initial.gguf"));
        Files.copy(whole.resolve("checkpoints/best.safetensors"), folder.resolve("checkpoints/best.safetensors"));
        List<Path> checkpoints = checkpoints(whole);
        for (Path file : checkpoints.subList(0, Math.min(keep, checkpoints.size()))) {
            Files.copy(file, folder.resolve("checkpoints").resolve(file.getFileName()));
        }
        return folder;
    }

    private static void assertSameModel(Path folder, String what) throws IOException {
        assertThat(Files.mismatch(folder.resolve("model.gguf"), whole.resolve("model.gguf")))
                .as("first byte of the model that differs, %s", what)
                .isEqualTo(-1);
    }
}
