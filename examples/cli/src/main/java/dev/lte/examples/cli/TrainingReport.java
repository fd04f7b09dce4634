package dev.lte.examples.cli;

import dev.lte.Progress;
import dev.lte.train.TrainingEvent;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;

/** Tells people how a run goes: a bar on a terminal, a line now and then elsewhere, and a line for all that is not a step. */
final class TrainingReport implements AutoCloseable {
    private static final long LINE_NANOS = 10_000_000_000L;

    private final PrintWriter err;
    private final ProgressBar bar;
    private long nextLine = System.nanoTime();
    private long totalSteps;

    TrainingReport(PrintWriter err) {
        this.err = err;
        bar = ProgressBar.on(err);
    }

    void accept(TrainingEvent event) {
        switch (event) {
            case TrainingEvent.Started started -> {
                totalSteps = started.steps().stream().mapToLong(Long::longValue).sum();
                line(
                        "%s (%s), %,d parameters, vocabulary %,d, steps %s%s",
                        started.backend(),
                        started.device(),
                        started.parameters(),
                        started.vocabulary(),
                        started.steps(),
                        started.step() == 0 ? "" : ", resumed behind step " + started.step());
            }
            case TrainingEvent.StageStarted stage ->
                line(
                        "stage %d: %s, %,d steps",
                        stage.stage(), stage.routing().toString().toLowerCase(Locale.ROOT), stage.steps());
            case TrainingEvent.Grouped grouped ->
                line(
                        "grouped into %d experts a layer (%s) in %.1f s",
                        grouped.experts(),
                        grouped.method().toString().toLowerCase(Locale.ROOT),
                        grouped.time().toMillis() / 1e3);
            case TrainingEvent.Step step -> step(step);
            case TrainingEvent.Evaluated evaluated -> line("%s", evaluation(evaluated));
            case TrainingEvent.CheckpointWritten written ->
                bar.accept(new Progress("checkpoint of step " + written.step(), written.step(), totalSteps));
            case TrainingEvent.Stopped stopped ->
                line("stopped behind step %d; checkpoint %s", stopped.step(), stopped.checkpoint());
            case TrainingEvent.Completed completed ->
                line(
                        "%s: state of step %d, FFN sparsity %.1f %%, %s",
                        completed.model(), completed.step(), 100 * completed.sparsity(), clock(completed.time()));
        }
    }

    private void step(TrainingEvent.Step step) {
        String text = String.format(
                Locale.ROOT,
                "step %d (stage %d, %d/%d): loss %.4f%s%s%s, %,.0f tokens/s, %s left",
                step.step(),
                step.stage(),
                step.stageStep(),
                step.stageSteps(),
                step.taskLoss(),
                step.distillationLoss() > 0
                        ? String.format(Locale.ROOT, ", from the dense model %.4f", step.distillationLoss())
                        : "",
                step.layerSparsity().stream().anyMatch(share -> share > 0)
                        ? String.format(Locale.ROOT, ", sparsity %.1f %%", 100 * step.sparsity())
                        : "",
                step.eta() > 0 ? String.format(Locale.ROOT, ", eta %.3g", step.eta()) : "",
                step.tokensPerSecond(),
                clock(step.remaining()));
        bar.accept(new Progress(text, step.step(), totalSteps));
        long now = System.nanoTime();
        if (!Boolean.getBoolean(ProgressBar.TERMINAL_PROPERTY) && now - nextLine >= 0) {
            nextLine = now + LINE_NANOS;
            line("%s", text);
        }
    }

    private static String evaluation(TrainingEvent.Evaluated evaluated) {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "step %d, development set: %.4f nats per token",
                evaluated.step(),
                evaluated.natsPerToken()));
        if (evaluated.natsPerCharacter() > 0) {
            text.append(String.format(Locale.ROOT, ", %.4f per character", evaluated.natsPerCharacter()));
        }
        Double accuracy = evaluated.accuracy();
        if (accuracy != null) {
            text.append(String.format(Locale.ROOT, ", accuracy %.2f %%", 100 * accuracy));
        }
        if (evaluated.sparsity() > 0) {
            text.append(String.format(Locale.ROOT, ", FFN sparsity %.1f %%", 100 * evaluated.sparsity()));
        }
        return text.append(evaluated.best() ? ", the best so far" : "").toString();
    }

    private static String clock(Duration time) {
        return String.format(Locale.ROOT, "%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart());
    }

    private void line(String format, Object... values) {
        bar.close();
        err.println(String.format(Locale.ROOT, format, values));
        err.flush();
    }

    @Override
    public void close() {
        bar.close();
    }
}
