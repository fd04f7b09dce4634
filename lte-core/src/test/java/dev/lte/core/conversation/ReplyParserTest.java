package dev.lte.core.conversation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.core.conversation.ReplyFormat.Tags;
import dev.lte.core.conversation.ReplyFormat.ToolCalls;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReplyParserTest {
    private static final Tags THINK = new Tags("<think>", "</think>");
    private static final Set<String> TOOLS = Set.of("weather", "add");

    private static ReplyFormat format(ToolCalls calls) {
        return new ReplyFormat(THINK, calls, false);
    }

    /** The parts of a reply that comes in one piece, having checked that every other way to cut it gives the same. */
    private static List<String> parts(ToolCalls calls, boolean inReasoning, String reply) {
        List<String> whole = PartLog.of(format(calls), TOOLS, inReasoning, List.of(reply));
        for (long seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            List<String> pieces = new ArrayList<>();
            int longest = 1 + random.nextInt(8);
            for (int from = 0; from < reply.length(); ) {
                int to = Math.min(reply.length(), from + 1 + random.nextInt(longest));
                pieces.add(reply.substring(from, to));
                from = to;
            }
            assertThat(PartLog.of(format(calls), TOOLS, inReasoning, pieces))
                    .as("seed %d, pieces %s", seed, pieces)
                    .isEqualTo(whole);
        }
        return whole;
    }

    @Test
    void textIsToldAsItComes() {
        PartLog log = new PartLog();
        ReplyParser parser = new ReplyParser(new ReplyFormat(null, ToolCalls.NONE, false), Set.of(), false, log);
        parser.append("  a <b");
        assertThat(log.lines()).containsExactly("text:   a <b");
    }

    @Test
    void reasoningIsSplitFromTheAnswerWithTheWhiteSpaceAroundTheTags() {
        assertThat(parts(ToolCalls.NONE, false, "\n<think>\nhm, a < b\n\n</think>\n\nYes </think> no "))
                .containsExactly("reasoning: hm, a < b", "text: Yes </think> no ");
        assertThat(parts(ToolCalls.NONE, true, "\nhm</think>Yes")).containsExactly("reasoning: hm", "text: Yes");
    }

    @Test
    void emptyReasoningIsNone() {
        assertThat(parts(ToolCalls.NONE, false, "<think>\n\n</think>\n\nYes")).containsExactly("text: Yes");
    }

    @Test
    void tagsInsideAnAnswerAreText() {
        assertThat(parts(ToolCalls.NONE, false, "Use <think> to think</think>."))
                .containsExactly("text: Use <think> to think</think>.");
    }

    @Test
    void whatNeverBecameATagIsNotLost() {
        assertThat(parts(ToolCalls.NONE, false, " <thi")).containsExactly("text:  <thi");
        assertThat(parts(ToolCalls.NONE, true, "so </thin")).containsExactly("reasoning: so </thin");
        assertThat(parts(ToolCalls.HERMES, false, "a <tool_cal")).containsExactly("text: a <tool_cal");
        assertThat(parts(ToolCalls.NONE, false, " \n")).containsExactly("text:  \n");
    }

    @Test
    void hermesCalls() {
        assertThat(parts(
                        ToolCalls.HERMES,
                        false,
                        "<think>two</think>\n\nLet me see.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"K\\\"öln }\", \"days\": [1, {\"a\":2}]}}\n</tool_call>\n"
                                + "<tool_call>\n{\"arguments\": {\"a\": 1}, \"name\": \"add\"}\n</tool_call>"))
                .containsExactly(
                        "reasoning: two",
                        "text: Let me see.",
                        "call: weather",
                        "arguments: {\"city\": \"K\\\"öln }\", \"days\": [1, {\"a\":2}]}",
                        "end",
                        "call: add",
                        "arguments: {\"a\": 1}",
                        "end");
    }

    @Test
    void argumentsAreToldWhileTheyAreWritten() {
        PartLog log = new PartLog();
        ReplyParser parser = new ReplyParser(format(ToolCalls.HERMES), TOOLS, false, log);
        parser.append("<tool_call>{\"name\":\"add\",\"arguments\":{\"a\":1");
        assertThat(log.lines()).containsExactly("call: add", "arguments: {\"a\":1");
        assertThat(parser.isInCall()).isTrue();
    }

    @Test
    void argumentsAsAStringAndMissingArgumentsAreJsonToo() {
        assertThat(
                        parts(
                                ToolCalls.HERMES,
                                false,
                                "<tool_call>{\"name\":\"add\",\"arguments\":\"{\\\"a\\\": 1}\"}</tool_call><tool_call>{\"name\":\"add\"}</tool_call>"))
                .containsExactly("call: add", "arguments: {\"a\": 1}", "end", "call: add", "arguments: {}", "end");
    }

    @Test
    void textBehindACallIsText() {
        assertThat(parts(ToolCalls.HERMES, false, "<tool_call>{\"name\":\"add\"}</tool_call>\nDone."))
                .containsExactly("call: add", "arguments: {}", "end", "text: Done.");
    }

    @Test
    void whatIsNoCallIsText() {
        assertThat(parts(ToolCalls.HERMES, false, "The tag\n<tool_call> opens a call."))
                .containsExactly("text: The tag\n<tool_call> opens a call.");
        assertThat(parts(ToolCalls.HERMES, false, "<tool_call>{\"arguments\": {}}</tool_call>"))
                .containsExactly("text: <tool_call>{\"arguments\": {}}</tool_call>");
    }

    @Test
    void aCallThatIsCutOffBeginsAndDoesNotEnd() {
        assertThat(parts(ToolCalls.HERMES, false, "<tool_call>{\"name\":\"add\",\"arguments\":{\"a\":"))
                .containsExactly("call: add", "arguments: {\"a\":");
        assertThat(parts(ToolCalls.HERMES, false, "<tool_call>{\"na")).containsExactly("text: <tool_call>{\"na");
    }

    @Test
    void llamaCalls() {
        assertThat(parts(ToolCalls.LLAMA, false, "\n{\"name\": \"add\", \"parameters\": {\"a\": \"1\"}}"))
                .containsExactly("call: add", "arguments: {\"a\": \"1\"}", "end");
        assertThat(
                        parts(
                                ToolCalls.LLAMA,
                                false,
                                "<|python_tag|>{\"type\": \"function\", \"name\": \"add\", \"parameters\": {}}; {\"name\": \"weather\", \"parameters\": {\"c\":1}}"))
                .containsExactly("call: add", "arguments: {}", "end", "call: weather", "arguments: {\"c\":1}", "end");
    }

    @Test
    void llamaAnswersInJsonAreText() {
        String answer = "{\"city\": \"Köln\", \"name\": \"add\"}";
        assertThat(parts(ToolCalls.LLAMA, false, answer)).containsExactly("text: " + answer);
        String unknown = " {\"name\": \"Karl\", \"parameters\": {}} and more {\"name\": \"add\"}";
        assertThat(parts(ToolCalls.LLAMA, false, unknown)).containsExactly("text: " + unknown);
    }

    @Test
    void mistralCalls() {
        assertThat(
                        parts(
                                ToolCalls.MISTRAL,
                                false,
                                "[TOOL_CALLS] [{\"name\": \"add\", \"arguments\": {\"a\": [1, 2]}, \"id\": \"abc\"}, {\"name\": \"weather\", \"arguments\": {}}]"))
                .containsExactly(
                        "call: add", "arguments: {\"a\": [1, 2]}", "end", "call: weather", "arguments: {}", "end");
        assertThat(
                        parts(
                                ToolCalls.MISTRAL_ARGS,
                                false,
                                "Well [TOOL_CALLS]add[CALL_ID]abcdefghi[ARGS]{\"a\": {\"b\": \"}\"}}[TOOL_CALLS]weather[ARGS]{}"))
                .containsExactly(
                        "text: Well",
                        "call: add",
                        "arguments: {\"a\": {\"b\": \"}\"}}",
                        "end",
                        "call: weather",
                        "arguments: {}",
                        "end");
    }

    @Test
    void withoutToolsNothingIsACall() {
        String reply = "<tool_call>{\"name\":\"add\"}</tool_call>";
        assertThat(PartLog.of(format(ToolCalls.HERMES), Set.of(), false, List.of(reply)))
                .containsExactly("text: " + reply);
    }

    /** Random soups of marks and JSON: nothing throws, nothing hangs, no character is told twice or lost but white space and marks. */
    @Test
    void everyReplyIsReadTheSameHoweverItIsCut() {
        String[] bits = {
            "<think>",
            "</think>",
            "<tool_call>",
            "</tool_call>",
            "[TOOL_CALLS]",
            "[ARGS]",
            "<|python_tag|>",
            "{",
            "}",
            "[",
            "]",
            "\"name\"",
            ":",
            "\"add\"",
            ",",
            "\"arguments\"",
            "\"parameters\"",
            " ",
            "\n",
            "a",
            "é😀",
            "\\",
            "\"",
            "1",
            ";",
            "<",
            "add"
        };
        for (long seed = 0; seed < 3000; seed++) {
            Random random = new Random(seed);
            StringBuilder reply = new StringBuilder();
            int length = random.nextInt(30);
            for (int i = 0; i < length; i++) {
                reply.append(bits[random.nextInt(bits.length)]);
            }
            ToolCalls calls = ToolCalls.values()[random.nextInt(ToolCalls.values().length)];
            boolean inReasoning = random.nextBoolean();
            List<String> whole = PartLog.of(format(calls), TOOLS, inReasoning, List.of(reply.toString()));
            List<String> characters =
                    reply.toString().chars().mapToObj(Character::toString).toList();
            assertThat(PartLog.of(format(calls), TOOLS, inReasoning, characters))
                    .as("seed %d, %s, reply %s", seed, calls, reply)
                    .isEqualTo(whole);
        }
    }
}
