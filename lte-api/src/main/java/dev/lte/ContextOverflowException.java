package dev.lte;

/** Prompt and requested tokens do not fit the context; found before any work. Nothing is ever truncated silently. */
public final class ContextOverflowException extends LteException {
    private static final long serialVersionUID = 1L;

    private final int promptTokens;
    private final int maxTokens;
    private final int contextLength;

    public ContextOverflowException(int promptTokens, int maxTokens, int contextLength) {
        super(
                "the prompt has " + promptTokens + " tokens and up to " + maxTokens
                        + " were asked for, but the context holds " + contextLength,
                "shorten the prompt, ask for fewer tokens, or load the model with a longer context");
        this.promptTokens = promptTokens;
        this.maxTokens = maxTokens;
        this.contextLength = contextLength;
    }

    public int promptTokens() {
        return promptTokens;
    }

    public int maxTokens() {
        return maxTokens;
    }

    public int contextLength() {
        return contextLength;
    }
}
