package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.FinishReason;
import dev.lte.GenerationListener;
import dev.lte.GenerationRequest;
import dev.lte.ModelInfo;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.Usage;
import dev.lte.chat.ChatRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.test.StepVerifier;
import reactor.util.context.ContextView;

@Timeout(30)
class GenerationListenerTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    /** Writes down what it hears, without numbers that vary. */
    private static final class Log implements GenerationListener {
        final List<String> lines = Collections.synchronizedList(new ArrayList<>());

        @Override
        public Observer started(String operation, ModelInfo model, ContextView context) {
            lines.add(operation + " for " + context.getOrDefault("user", "nobody"));
            return new Observer() {
                @Override
                public void admitted(Duration queued, int promptTokens, int cachedTokens) {
                    lines.add("admitted " + promptTokens + " " + cachedTokens + " " + !queued.isNegative());
                }

                @Override
                public void token(Duration sinceLast) {
                    lines.add("token " + !sinceLast.isNegative());
                }

                @Override
                public void completed(FinishReason reason, Usage usage, Timings timings, SparsityReport sparsity) {
                    lines.add("completed " + reason + " " + usage.generatedTokens());
                }

                @Override
                public void failed(Throwable error) {
                    lines.add("failed " + error.getClass().getSimpleName());
                }

                @Override
                public void cancelled() {
                    lines.add("cancelled");
                }
            };
        }
    }

    private static GenerationRequest request(int tokens) {
        return GenerationRequest.of(r -> r.promptIds(1, 5, 9).maxTokens(tokens).ignoreEndOfText(true));
    }

    private static TestEngine engine(GenerationListener listener) {
        return new TestEngine(1, true, TestEngine.Limits.defaults(), listener);
    }

    @Test
    void hearsOfEveryStepInItsOrder() {
        Log log = new Log();
        try (TestEngine engine = engine(log)) {
            engine.model
                    .generate(request(2))
                    .contextWrite(c -> c.put("user", "ann"))
                    .blockLast(SOON);
            assertThat(log.lines)
                    .containsExactly(
                            "generate for ann", "admitted 3 0 true", "token true", "token true", "completed LENGTH 2");
        }
    }

    @Test
    void hearsOfErrorsAndCancellationsOnce() {
        Log log = new Log();
        try (TestEngine engine = engine(log)) {
            StepVerifier.create(engine.model.chat(ChatRequest.of(c -> {})))
                    .expectError()
                    .verify(SOON);
            assertThat(log.lines).containsExactly("chat for nobody", "failed InvalidRequestException");
            log.lines.clear();
            StepVerifier.create(engine.model.generate(request(50)), 1)
                    .expectNextCount(1)
                    .thenCancel()
                    .verify(SOON);
            while (engine.model.activeStreams() > 0) {
                Thread.onSpinWait();
            }
            assertThat(log.lines.getLast()).isEqualTo("cancelled");
            assertThat(log.lines)
                    .filteredOn(line -> line.matches("(completed|failed|cancelled).*"))
                    .hasSize(1);
        }
    }

    @Test
    void whatAListenerThrowsHarmsNobody() {
        try (TestEngine engine = engine((operation, model, context) -> new GenerationListener.Observer() {
            @Override
            public void token(Duration sinceLast) {
                throw new IllegalStateException("a bug of the listener");
            }
        })) {
            assertThat(engine.model.generate(request(3)).collectList().block(SOON))
                    .hasSize(4);
        }
        try (TestEngine engine = engine((operation, model, context) -> {
            throw new IllegalStateException("a bug of the listener");
        })) {
            assertThat(engine.model.generate(request(3)).collectList().block(SOON))
                    .hasSize(4);
        }
    }
}
