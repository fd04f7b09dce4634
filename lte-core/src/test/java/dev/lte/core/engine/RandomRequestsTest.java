package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.GenerationOptions;
import dev.lte.GenerationRequest;
import dev.lte.ResponseFormat;
import dev.lte.Sampling;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.Tool;
import dev.lte.chat.ToolChoice;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Random prompts, options and subscribers: every stream ends by the rules, and nothing is left behind. */
class RandomRequestsTest {
    private static final String TEMPLATE = "{% if tools %}{{ tools | length }}{% endif %}" + TestEngine.TEMPLATE
            + "{# <tool_call></tool_call> </think> enable_thinking #}";
    private static final Tool ADD = new Tool(
            "add",
            "",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[1,2]},\"b\":{\"type\":\"boolean\"}},\"required\":[\"a\",\"b\"]}");

    private static final int AT_ONCE = 24;
    private static final int SOON_SECONDS = 20;

    @Test
    @Timeout(60)
    void threeHundredNeverBreakTheContract() throws InterruptedException {
        run(2, 150);
    }

    @Test
    @Tag("long")
    @Timeout(3600)
    void tenThousandNeverBreakTheContract() throws InterruptedException {
        run(50, 200);
    }

    /** Few slots, few pages and a short stall timeout, so that streams are put out, refused and ended all the time. */
    private static void run(int seeds, int requests) throws InterruptedException {
        TestEngine.Limits limits = new TestEngine.Limits(4, AT_ONCE, Duration.ofMillis(300), 1, true);
        try (ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor()) {
            for (long seed = 0; seed < seeds; seed++) {
                try (TestEngine engine = new TestEngine(seed, true, limits, null, TEMPLATE)) {
                    Random random = new Random(seed);
                    Queue<ContractSubscriber<?>> running = new ArrayDeque<>();
                    for (int i = 0; i < requests; i++) {
                        running.add(subscribe(engine, random, timer));
                        if (running.size() == AT_ONCE) {
                            check(running.remove(), seed);
                        }
                    }
                    while (!running.isEmpty()) {
                        check(running.remove(), seed);
                    }
                    awaitIdle(engine);
                    assertThat(engine.freePages()).as("seed %d", seed).isEqualTo(pages(engine));
                }
            }
        }
    }

    private static int pages(TestEngine engine) {
        return engine.model.status().cachePages();
    }

    private static void check(ContractSubscriber<?> subscriber, long seed) throws InterruptedException {
        assertThat(subscriber.ended.await(SOON_SECONDS, TimeUnit.SECONDS))
                .as("seed %d: ended", seed)
                .isTrue();
        assertThat(subscriber.breaches()).as("seed %d", seed).isEmpty();
    }

    private static void awaitIdle(TestEngine engine) throws InterruptedException {
        for (int i = 0; i < SOON_SECONDS * 1000 && engine.model.activeStreams() > 0; i++) {
            Thread.sleep(1);
        }
        assertThat(engine.model.activeStreams()).isZero();
    }

    private static ContractSubscriber<?> subscribe(TestEngine engine, Random random, ScheduledExecutorService timer) {
        if (random.nextInt(4) == 0) {
            GenerationRequest request = GenerationRequest.of(r -> {
                r.prompt(text(random, 60));
                options(random, r, 60);
            });
            return subscribed(random, timer, request.maxTokens(), engine.model.generate(request)::subscribe);
        }
        ChatRequest request = chat(random);
        return subscribed(
                random, timer, request.options().maxTokens().orElse(0), engine.model.chat(request)::subscribe);
    }

    private static <E> ContractSubscriber<E> subscribed(
            Random random, ScheduledExecutorService timer, int mostTokens, Consumer<ContractSubscriber<E>> subscribe) {
        ContractSubscriber<E> subscriber = new ContractSubscriber<>(random.nextLong(), timer, mostTokens);
        subscribe.accept(subscriber);
        return subscriber;
    }

    private static ChatRequest chat(Random random) {
        return ChatRequest.of(c -> {
            for (int i = random.nextInt(3); i >= 0; i--) {
                c.user(text(random, 15));
            }
            if (random.nextInt(3) == 0) {
                c.tool(ADD).toolChoice(random.nextBoolean() ? ToolChoice.auto() : ToolChoice.required());
            }
            if (random.nextInt(4) == 0) {
                c.reasoning(random.nextBoolean());
            }
            options(random, c, 120);
        });
    }

    private static String text(Random random, int most) {
        StringBuilder text = new StringBuilder();
        for (int j = random.nextInt(most); j >= 0; j--) {
            text.appendCodePoint("ab </s><s>é😀\n{".codePointAt(random.nextInt(10)));
        }
        return text.toString();
    }

    private static void options(Random random, GenerationOptions.Builder<?> options, int mostTokens) {
        options.sampling(new Sampling(
                0.5f + random.nextFloat(),
                random.nextFloat() * 4 - 2,
                random.nextFloat() * 4 - 2,
                random.nextInt(4) == 0 ? 0 : random.nextFloat() * 3,
                random.nextInt(5),
                0.1f + 0.9f * random.nextFloat(),
                0.1f + 0.9f * random.nextFloat(),
                random.nextFloat() * 0.5f,
                random.nextLong()));
        if (random.nextBoolean()) {
            options.maxTokens(1 + random.nextInt(mostTokens));
        }
        if (random.nextInt(3) == 0) {
            options.stopStrings(List.of("a", "he ", "\n"));
        }
        if (random.nextInt(5) == 0) {
            options.stopIds(List.of(random.nextInt(700))); // some are beyond the vocabulary
        }
        if (random.nextInt(3) == 0) {
            options.logProbabilities(random.nextInt(21));
        }
        if (random.nextInt(3) == 0) {
            options.logitBias(Map.of(random.nextInt(512), random.nextFloat() * 200 - 100));
        }
        if (random.nextInt(3) == 0) {
            options.threshold(random.nextFloat());
        }
        if (random.nextInt(4) == 0) {
            options.responseFormat(
                    random.nextBoolean() ? ResponseFormat.jsonObject() : ResponseFormat.jsonSchema(ADD.parameters()));
        }
        options.ignoreEndOfText(random.nextBoolean());
    }
}
