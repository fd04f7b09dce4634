package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import dev.lte.ModelClosedException;
import dev.lte.ModelFormatException;
import dev.lte.Sampling;
import dev.lte.backend.DType;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.ChatSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.test.StepVerifier;

@Timeout(60)
class SessionTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    /** More than one page of tokens. */
    private static final String LONG = "zzzzzzzzzzqqqqqqqqqqxxxxxxxxxxkkkkkkkkkkjjjjjjjjjj";

    private static Consumer<ChatRequest.Builder> turn(String text, int tokens) {
        return c -> c.user(text).maxTokens(tokens).ignoreEndOfText(true).sampling(Sampling.greedy());
    }

    private static ChatEvent.Completed ask(ChatSession session, String text, int tokens) {
        return session.chat(turn(text, tokens))
                .ofType(ChatEvent.Completed.class)
                .blockLast(SOON);
    }

    @Test
    void answersBecomePartOfTheConversation() {
        try (TestEngine engine = new TestEngine(1, true)) {
            ChatSession session = engine.model.openSession();
            session.append(ChatMessage.system("s"));
            ChatEvent.Completed first = ask(session, "once", 20);
            ChatEvent.Completed second = ask(session, "and", 4);
            assertThat(session.messages())
                    .containsExactly(
                            ChatMessage.system("s"),
                            ChatMessage.user("once"),
                            first.message(),
                            ChatMessage.user("and"),
                            second.message());
            // The same conversation as one request says the same.
            ChatEvent.Completed whole = engine.model
                    .reply(ChatRequest.of(c -> {
                        c.messages(session.messages().subList(0, 3));
                        turn("and", 4).accept(c);
                    }))
                    .block(SOON);
            assertThat(whole.message()).isEqualTo(second.message());
        }
    }

    @Test
    void anAnswerThatDoesNotEndLeavesTheSessionAsItWas() {
        try (TestEngine engine = new TestEngine(1, false)) {
            ChatSession session = engine.model.openSession();
            StepVerifier.create(session.chat(turn("once", 50)), 2)
                    .expectNextCount(2)
                    .then(() -> assertThatThrownBy(() -> session.append(ChatMessage.user("x")))
                            .isInstanceOf(InvalidRequestException.class))
                    .thenCancel()
                    .verify(SOON);
            StepVerifier.create(session.chat(turn("once", 500))).expectError().verify(SOON);
            assertThat(session.messages()).isEmpty();
            ask(session, "once", 3);
            assertThat(session.messages()).hasSize(2);
        }
    }

    @Test
    void oneAnswerAtATime() {
        try (TestEngine engine = new TestEngine(1, false)) {
            ChatSession session = engine.model.openSession();
            StepVerifier.create(session.chat(turn("once", 50)), 1)
                    .expectNextCount(1)
                    .then(() -> StepVerifier.create(session.chat(turn("twice", 5)))
                            .expectError(InvalidRequestException.class)
                            .verify(SOON))
                    .thenCancel()
                    .verify(SOON);
        }
    }

    @Test
    void theNextTurnCanBeginAtTheEndOfTheLast() {
        try (TestEngine engine = new TestEngine(1, false)) {
            ChatSession session = engine.model.openSession();
            session.chat(turn("a", 2))
                    .ofType(ChatEvent.Completed.class)
                    .flatMap(done -> session.chat(turn("b", 2)), 1)
                    .blockLast(SOON);
            assertThat(session.messages()).hasSize(4);
        }
    }

    @Test
    void forksGoTheirOwnWayAndRewindingForgets() {
        try (TestEngine engine = new TestEngine(1, false)) {
            ChatSession session = engine.model.openSession();
            ask(session, "once", 5);
            ChatSession fork = session.fork();
            ChatEvent.Completed one = ask(session, "left", 5);
            ask(fork, "right", 5);
            assertThat(session.messages()).hasSize(4).isNotEqualTo(fork.messages());
            session.rewind(2);
            assertThat(ask(session, "left", 5).message()).isEqualTo(one.message());
            assertThatThrownBy(() -> session.rewind(9)).isInstanceOf(InvalidRequestException.class);
            session.rewind(0);
            assertThat(session.messages()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "Q8_0"})
    void aSavedSessionGoesOnElsewhereWithoutComputingItsPastAgain(DType cacheType, @TempDir Path directory)
            throws IOException {
        TestEngine.Limits limits = TestEngine.Limits.of(cacheType);
        Path file = directory.resolve("session");
        ChatEvent.Completed expected;
        List<ChatMessage> messages;
        try (TestEngine engine = new TestEngine(1, true, limits)) {
            ChatSession session = engine.model.openSession();
            ask(session, LONG, 10);
            session.save(file);
            messages = session.messages();
            expected = ask(session, "b", 5);
        }
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).containsExactly(file);
        }
        try (TestEngine engine = new TestEngine(1, true, limits)) {
            ChatSession restored = engine.model.restoreSession(file);
            assertThat(restored.messages()).isEqualTo(messages);
            int passes = engine.counting.passes();
            ChatEvent.Completed completed = ask(restored, "b", 5);
            assertThat(completed.message()).isEqualTo(expected.message());
            assertThat(completed.usage().cachedTokens()).isGreaterThanOrEqualTo(32);
            assertThat(engine.counting.passes() - passes)
                    .isLessThan(completed.usage().promptTokens() / TestEngine.PROMPT_ROWS + 5);
            // What a file says about tokens is believed by its own session alone.
            ChatEvent.Completed stranger = engine.model
                    .reply(ChatRequest.of(c -> {
                        c.messages(messages);
                        turn("b", 5).accept(c);
                    }))
                    .block(SOON);
            assertThat(stranger.usage().cachedTokens()).isZero();
            assertThat(stranger.message()).isEqualTo(expected.message());
            assertThat(engine.freePages()).isEqualTo(engine.model.status().cachePages());
        }
    }

    @Test
    void aSessionWithAnotherTypeOfCacheIsRefused(@TempDir Path directory) {
        Path file = directory.resolve("session");
        try (TestEngine engine = new TestEngine(1, true, TestEngine.Limits.of(DType.F16))) {
            ask(engine.model.openSession(), "once", 3);
            engine.model.openSession().save(file);
        }
        try (TestEngine other = new TestEngine(1, true)) {
            assertThatThrownBy(() -> other.model.restoreSession(file))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("cacheType")
                    .hasMessageContaining("F16");
        }
    }

    @Test
    void aSessionOfAnotherModelIsRefused(@TempDir Path directory) {
        Path file = directory.resolve("session");
        try (TestEngine engine = new TestEngine(1, true)) {
            ask(engine.model.openSession(), "once", 3);
            engine.model.openSession().save(file);
        }
        try (TestEngine other = new TestEngine(2, true);
                TestEngine dense = new TestEngine(1, false)) {
            assertThatThrownBy(() -> other.model.restoreSession(file))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("model");
            assertThatThrownBy(() -> dense.model.restoreSession(file)).isInstanceOf(InvalidRequestException.class);
        }
    }

    @Test
    void aDamagedFileIsATypedErrorWhereverTheDamageIs(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("session");
        try (TestEngine engine = new TestEngine(1, true)) {
            ChatSession session = engine.model.openSession();
            ask(session, LONG, 10);
            session.save(file);
            byte[] whole = Files.readAllBytes(file);
            for (long seed = 0; seed < 400; seed++) {
                Random random = new Random(seed);
                byte[] damaged = whole.clone();
                int header = seed % 2 == 0 ? 90 : damaged.length;
                for (int i = 0; i <= random.nextInt(3); i++) {
                    damaged[random.nextInt(header)] ^= (byte) (1 + random.nextInt(255));
                }
                if (random.nextInt(3) == 0) {
                    damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length + 40));
                }
                Files.write(file, damaged);
                assertThatThrownBy(() -> engine.model.restoreSession(file))
                        .as("seed %d", seed)
                        .isInstanceOf(LteException.class)
                        .isInstanceOfAny(ModelFormatException.class, InvalidRequestException.class);
            }
            assertThat(engine.freePages()).isEqualTo(engine.model.status().cachePages());
            Files.write(file, whole);
            assertThat(engine.model.restoreSession(file).messages()).isEqualTo(session.messages());
        }
    }

    @Test
    void aClosedModelSavesNothing(@TempDir Path directory) throws IOException {
        TestEngine engine = new TestEngine(1, true);
        ChatSession session = engine.model.openSession();
        engine.close();
        assertThatThrownBy(() -> session.save(directory.resolve("session"))).isInstanceOf(ModelClosedException.class);
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).isEmpty();
        }
    }
}
