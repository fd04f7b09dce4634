package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.FinishReason;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.TokenLogProbability;
import dev.lte.Usage;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ToolCall;
import dev.lte.core.conversation.ReplyFormat;
import dev.lte.core.conversation.ReplyFormat.Tags;
import dev.lte.core.conversation.ReplyFormat.ToolCalls;
import dev.lte.core.conversation.ReplyParser;
import dev.lte.core.token.StreamingDecoder;
import dev.lte.core.token.VocabularyTokenizer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Replies of known text, token by token. */
class ChatEventsTest {
    private static final VocabularyTokenizer TOKENIZER = RandomModel.vocabulary();
    /** The tokens of single bytes follow three special ones. */
    private static final int FIRST_BYTE = 3;

    private static final ReplyFormat FORMAT = new ReplyFormat(new Tags("<think>", "</think>"), ToolCalls.HERMES, false);

    private record Told(List<ChatEvent> events, FinishReason reason, ChatEvent.Completed completed) {
        String text() {
            StringBuilder text = new StringBuilder();
            for (ChatEvent event : events) {
                text.append(event instanceof ChatEvent.TextDelta delta ? delta.text() : "");
            }
            return text.toString();
        }

        long probabilities() {
            return events.stream()
                    .filter(ChatEvent.Delta.class::isInstance)
                    .mapToLong(event ->
                            ((ChatEvent.Delta) event).logProbabilities().size())
                    .sum();
        }
    }

    private static Told tell(String reply, List<String> stops, boolean probabilities, int cut) {
        List<Integer> ids = new ArrayList<>();
        for (byte b : reply.getBytes(StandardCharsets.UTF_8)) {
            ids.add(FIRST_BYTE + (b & 0xFF));
        }
        ChatEvents events = new ChatEvents(
                new StreamingDecoder(TOKENIZER, false, List.of()),
                Map.of(),
                parts -> new ReplyParser(FORMAT, Set.of("add"), false, parts),
                stops,
                7);
        List<ChatEvent> told = new ArrayList<>();
        FinishReason reason = null;
        int used = 0;
        for (int i = 0; i < ids.size() && reason == null; i++) {
            int id = ids.get(i);
            List<TokenLogProbability> scored = probabilities
                    ? List.of(
                            new TokenLogProbability(new TokenLogProbability.Candidate(id, "", List.of(), 0), List.of()))
                    : List.of();
            boolean last = i == cut - 1;
            reason = events.token(id, scored, last, told::add);
            used++;
            if (last && reason == null) {
                reason = FinishReason.LENGTH;
            }
        }
        if (reason == null) {
            reason = events.end(told::add);
        }
        ChatEvent.Completed completed = (ChatEvent.Completed) events.completed(
                reason,
                new Usage(1, 0, used, events.reasoningTokens()),
                new Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, 0),
                new SparsityReport(0, List.of(), 0));
        return new Told(told, reason, completed);
    }

    @Test
    void aReplyWithEverythingInIt() {
        Told told = tell(
                "<think>\nhm\n</think>\n\nI add.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>",
                List.of(),
                false,
                -1);
        assertThat(told.reason()).isEqualTo(FinishReason.TOOL_CALLS);
        assertThat(told.completed().message().text()).isEqualTo("I add.").isEqualTo(told.text());
        assertThat(told.completed().message().reasoning()).isEqualTo("hm");
        assertThat(told.completed().message().toolCalls()).hasSize(1);
        ToolCall call = told.completed().message().toolCalls().getFirst();
        assertThat(call.name()).isEqualTo("add");
        assertThat(call.arguments()).isEqualTo("{\"a\": 1}");
        assertThat(call.id()).matches("[A-Za-z0-9]{9}");
        List<ChatEvent.ToolCallDelta> deltas = told.events().stream()
                .filter(ChatEvent.ToolCallDelta.class::isInstance)
                .map(ChatEvent.ToolCallDelta.class::cast)
                .toList();
        assertThat(deltas.getFirst().id()).isEqualTo(call.id());
        assertThat(deltas.getFirst().name()).isEqualTo("add");
        assertThat(deltas.subList(1, deltas.size())).allMatch(delta -> delta.id() == null && delta.index() == 0);
        assertThat(deltas).hasSizeGreaterThan(4);
        // From "<think>" (its last byte opens it) to "</think>", one token for each byte.
        assertThat(told.completed().usage().reasoningTokens()).isEqualTo("\nhm\n</think>".length() + 1);
    }

    @Test
    void stopStringsNeverLeakAndNothingBeforeThemIsLost() {
        for (long seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            StringBuilder reply = new StringBuilder();
            for (int i = 0; i < 40; i++) {
                reply.append("abé\n".charAt(random.nextInt(4)));
            }
            List<String> stops = new ArrayList<>();
            for (int i = 0; i < 1 + random.nextInt(3); i++) {
                int from = random.nextInt(36);
                stops.add(reply.substring(from, from + 1 + random.nextInt(4)));
            }
            int first = stops.stream()
                    .mapToInt(stop -> reply.indexOf(stop) + stop.length())
                    .min()
                    .orElseThrow();
            String found = stops.stream()
                    .filter(stop -> reply.indexOf(stop) + stop.length() == first)
                    .max(Comparator.comparingInt(String::length))
                    .orElseThrow();
            Told told = tell(reply.toString(), stops, false, -1);
            assertThat(told.text())
                    .as("seed %d, stops %s", seed, stops)
                    .isEqualTo(reply.substring(0, first - found.length()));
            assertThat(told.reason()).isEqualTo(FinishReason.STOP);
            assertThat(told.completed().stopString()).isEqualTo(found);
            assertThat(told.completed().message().text()).isEqualTo(told.text());
        }
    }

    @Test
    void stopStringsAreNotLookedForInReasoning() {
        Told told = tell("<think>stop</think>go on", List.of("stop"), false, -1);
        assertThat(told.completed().message().reasoning()).isEqualTo("stop");
        assertThat(told.text()).isEqualTo("go on");
    }

    @Test
    void everyTokenHasItsLogProbabilityInSomeDelta() {
        String reply = "<think>a</think>b <tool_call>{\"name\":\"add\"}</tool_call>";
        assertThat(tell(reply, List.of(), true, -1).probabilities()).isEqualTo(reply.length());
        assertThat(tell("abcSTOPx", List.of("STOP"), true, -1).probabilities()).isEqualTo("abcSTOP".length());
        assertThat(tell("abc STO", List.of("STOP"), true, 7).probabilities()).isEqualTo(7);
    }

    @Test
    void aReplyThatIsCutOffKeepsWhatWasHeldBack() {
        Told told = tell("abc <tool_c", List.of("X"), false, 11);
        assertThat(told.reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(told.text()).isEqualTo("abc <tool_c");
        Told call = tell("<tool_call>{\"name\":\"add\",\"arguments\":{\"a\":", List.of(), false, 43);
        assertThat(call.completed().message().toolCalls()).isEmpty();
        assertThat(call.completed().message().text()).isEmpty();
    }

    @Test
    void deltasAreNeverEmpty() {
        Told told = tell(
                "<think>é</think>\n\n😀 <tool_call>{\"name\":\"add\",\"arguments\":{\"é\":1}}</tool_call>",
                List.of("é"),
                false,
                -1);
        for (ChatEvent event : told.events()) {
            switch (event) {
                case ChatEvent.TextDelta delta -> assertThat(delta.text()).isNotEmpty();
                case ChatEvent.ReasoningDelta delta -> assertThat(delta.text()).isNotEmpty();
                case ChatEvent.ToolCallDelta delta ->
                    assertThat(delta.name() != null || !delta.arguments().isEmpty())
                            .isTrue();
                case ChatEvent.Completed completed -> throw new AssertionError(completed);
            }
        }
    }
}
