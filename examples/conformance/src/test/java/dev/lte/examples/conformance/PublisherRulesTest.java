package dev.lte.examples.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.Model;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatRequest;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.opentest4j.TestAbortedException;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.SkipException;

/**
 * The technology compatibility kit of Reactive Streams on the publishers of {@code generate} and {@code chat}: every rule that can
 * be tested on a stream of this kind. The kit is written for TestNG; each of its tests runs here as one of JUnit.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PublisherRulesTest {
    private static final long SIGNAL_MILLIS = 1_000;
    private static final long SILENCE_MILLIS = 100;
    private static final int MOST_EVENTS = 80;

    private final Model model = StoryModel.load();

    @BeforeAll
    void warmUp() {
        // The first tokens of a JVM are slow, and the kit waits a second for each.
        model.generate(generation(20)).blockLast();
        model.chat(chat(20)).blockLast();
    }

    @AfterAll
    void nothingIsLeftBehind() {
        assertThat(model.activeStreams()).isZero();
        model.close();
    }

    @TestFactory
    Stream<DynamicTest> generate() {
        return rules(() -> new Rules<GenerationEvent>(
                events -> model.generate(generation(events)),
                model.generate(GenerationRequest.of(r -> r.promptIds(1).maxTokens(1_000_000)))));
    }

    @TestFactory
    Stream<DynamicTest> chat() {
        return rules(() -> new Rules<ChatEvent>(
                events -> model.chat(chat(events)),
                model.chat(ChatRequest.of(c -> c.user("x").maxTokens(1_000_000)))));
    }

    private GenerationRequest generation(long events) {
        return GenerationRequest.of(r -> StoryModel.exactly(model, events, r.prompt("Once upon a time")));
    }

    private ChatRequest chat(long events) {
        return ChatRequest.of(c -> StoryModel.exactly(model, events, c.user("Once upon a time")));
    }

    private static final class Rules<E> extends PublisherVerification<E> {
        private final LongFunction<Publisher<E>> publisher;
        private final Publisher<E> failing;

        Rules(LongFunction<Publisher<E>> publisher, Publisher<E> failing) {
            super(new TestEnvironment(SIGNAL_MILLIS, SILENCE_MILLIS));
            this.publisher = publisher;
            this.failing = failing;
        }

        @Override
        public long maxElementsFromPublisher() {
            return MOST_EVENTS;
        }

        /** There is no empty stream: each has at least its last event. */
        @Override
        public Publisher<E> createPublisher(long elements) {
            return publisher.apply(Math.clamp(elements, 1, MOST_EVENTS));
        }

        @Override
        public Publisher<E> createFailedPublisher() {
            return failing;
        }
    }

    private static Stream<DynamicTest> rules(Supplier<Rules<?>> rules) {
        List<Method> tests = new ArrayList<>(Arrays.stream(PublisherVerification.class.getMethods())
                .filter(method -> method.isAnnotationPresent(org.testng.annotations.Test.class))
                .sorted(Comparator.comparing(Method::getName))
                .toList());
        assertThat(tests).as("tests of the kit").hasSize(38);
        return tests.stream().map(test -> dynamicTest(test.getName(), () -> run(rules.get(), test)));
    }

    private static void run(Rules<?> rules, Method test) throws Throwable {
        rules.setUp();
        try {
            test.invoke(rules);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof SkipException skipped) {
                assertThat(mayBeSkipped(test.getName()))
                        .as("%s was skipped: %s", test.getName(), skipped.getMessage())
                        .isTrue();
                throw new TestAbortedException(skipped.getMessage(), skipped);
            }
            throw e.getCause();
        }
    }

    /** What the kit itself cannot test, what concerns subscribers of one shared stream, and what needs 2 thousand million events. */
    private static boolean mayBeSkipped(String test) {
        return test.startsWith("untested_")
                || test.contains("_multicast_")
                || test.equals("required_spec317_mustNotSignalOnErrorWhenPendingAboveLongMaxValue");
    }
}
