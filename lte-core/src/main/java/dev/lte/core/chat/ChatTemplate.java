package dev.lte.core.chat;

import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A chat template: a Jinja program that writes a prompt from {@code messages}, {@code tools} and the special tokens.
 * It writes what the reference writes, byte for byte (jinja2's immutable sandbox with {@code trim_blocks}, {@code
 * lstrip_blocks}, loop controls, {@code {% generation %}}, {@code raise_exception}, {@code strftime_now} and a {@code
 * tojson} that escapes nothing beyond JSON), or it throws.
 *
 * <p><b>Untrusted programs:</b> templates come with model files. They see the values handed to {@link #render} and
 * nothing else of the process, and {@link Budget} bounds their time, memory and depth.
 *
 * <p><b>Threading:</b> immutable; any number of threads may render at once.
 */
public final class ChatTemplate {
    private static final int MAX_SOURCE_CHARS = 1 << 20;

    private final List<Stmt> body;
    private final Frames frames;
    private final Clock clock;

    private ChatTemplate(List<Stmt> body, Clock clock) {
        this.body = body;
        this.frames = new Frames(body);
        this.clock = clock;
    }

    /** A template whose {@code strftime_now} tells the time of the system in its zone. */
    public static ChatTemplate parse(String source) {
        return parse(source, Clock.systemDefaultZone());
    }

    /**
     * Reads a template.
     *
     * @param clock time and zone of {@code strftime_now}
     * @throws dev.lte.ModelFormatException if the source is no Jinja template, with its line
     * @throws dev.lte.UnsupportedModelException if it uses a tag, filter, test, method or global that is not
     *     implemented, with its name and line
     */
    public static ChatTemplate parse(String source, Clock clock) {
        if (source.length() > MAX_SOURCE_CHARS) {
            throw Problems.unsupported(1, "a template of more than " + MAX_SOURCE_CHARS + " characters");
        }
        return new ChatTemplate(Parser.parse(source), clock);
    }

    /**
     * Writes the prompt.
     *
     * @param variables what the template may read: strings, numbers, booleans, nulls, lists, and maps with string
     *     keys, whose order is kept
     * @throws InvalidRequestException if the template rejects the messages ({@code raise_exception}), if it uses a
     *     value in a way that is an error in the reference too, or if it exceeds the limits
     * @throws dev.lte.UnsupportedModelException if the reference might go on but this implementation cannot
     */
    public String render(Map<String, ? extends @Nullable Object> variables) {
        Map<?, ?> copy;
        try {
            copy = (Map<?, ?>) Objects.requireNonNull(Values.copyOf(variables, 0));
        } catch (IllegalArgumentException e) {
            throw new InvalidRequestException(
                    "messages",
                    "strings, numbers, booleans, lists and maps with string keys",
                    String.valueOf(e.getMessage()));
        }
        Interpreter interpreter = new Interpreter(frames);
        try {
            return interpreter.render(body, copy, clock);
        } catch (PyError e) {
            throw typed(e, interpreter.line());
        } catch (StackOverflowError e) {
            throw typed(PyError.limit("nesting deeper than this thread's stack"), interpreter.line());
        }
    }

    private static LteException typed(PyError error, int line) {
        String where = " (chat template line " + line + ")";
        return switch (error.kind()) {
            case RAISED ->
                new InvalidRequestException(
                        "messages", "what the chat template accepts", "'" + error.getMessage() + "'" + where);
            case INVALID ->
                new InvalidRequestException(
                        "messages", "values that the chat template can use", error.getMessage() + where);
            case LIMIT ->
                new InvalidRequestException(
                        "messages", "a prompt within the limits of rendering", error.getMessage() + where);
            case UNSUPPORTED -> Problems.unsupported(line, String.valueOf(error.getMessage()));
        };
    }
}
