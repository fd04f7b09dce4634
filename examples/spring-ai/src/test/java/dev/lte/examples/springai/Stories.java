package dev.lte.examples.springai;

import dev.lte.FinishReason;
import dev.lte.GenerationListener;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.ModelInfo;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.Usage;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import reactor.util.context.ContextView;

/** The story model of 260 thousand parameters, whose byte tokens write any text, and what became of its generations. */
final class Stories implements AutoCloseable, GenerationListener {
    static final Duration SOON = Duration.ofSeconds(30);

    /** Turns and tools as a template of the Hermes family has them, short. */
    static final String TEMPLATE = "{% if tools %}{{ tools | length }}{% endif %}"
            + "{% for m in messages %}{{ m.role[0] }}: {{ m.content }}\n{% endfor %}"
            + "{% if add_generation_prompt %}a: {% endif %}{# <tool_call></tool_call> #}";

    /** Opens every answer with reasoning. */
    static final String THINKING =
            "{% for m in messages %}{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<think>\n{% endif %}{# </think> #}";

    final Model model;
    final List<String> outcomes = new CopyOnWriteArrayList<>();
    final List<ContextView> contexts = new CopyOnWriteArrayList<>();

    Stories(String template) {
        Path file = Path.of(
                Objects.requireNonNull(System.getProperty("lte.test.models")), "stories260K", "stories260K.bin");
        model = Lte.load(
                file,
                LoadOptions.of(
                        options -> options.chatTemplate(template).threads(1).listener(this)));
    }

    /** Waits until no generation runs, and says how the last one ended. */
    String lastOutcome() throws InterruptedException {
        for (long end = System.nanoTime() + SOON.toNanos(); model.activeStreams() > 0 || outcomes.isEmpty(); ) {
            if (System.nanoTime() > end) {
                throw new AssertionError("still running, " + model.status());
            }
            Thread.sleep(5);
        }
        return outcomes.getLast();
    }

    @Override
    public Observer started(String operation, ModelInfo info, ContextView context) {
        contexts.add(context);
        return new Observer() {
            @Override
            public void completed(FinishReason reason, Usage usage, Timings timings, SparsityReport sparsity) {
                outcomes.add(reason.name());
            }

            @Override
            public void failed(Throwable error) {
                outcomes.add(error.getClass().getSimpleName());
            }

            @Override
            public void cancelled() {
                outcomes.add("cancelled");
            }
        };
    }

    @Override
    public void close() {
        model.close();
    }
}
