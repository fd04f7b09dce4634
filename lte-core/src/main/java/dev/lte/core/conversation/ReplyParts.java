package dev.lte.core.conversation;

/** Receives the parts of a reply as they become certain. */
public interface ReplyParts {
    void text(String text);

    void reasoning(String text);

    void callBegins(String name);

    /** More of the arguments of the call that began last, as JSON text. */
    void callArguments(String json);

    void callEnds();
}
