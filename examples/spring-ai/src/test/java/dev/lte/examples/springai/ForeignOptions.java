package dev.lte.examples.springai;

import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.DefaultChatOptions;
import org.springframework.ai.chat.prompt.DefaultChatOptionsBuilder;

/** Options as another provider has them. */
final class ForeignOptions extends DefaultChatOptions {
    ForeignOptions(@Nullable String model) {
        super(model, null, null, null, null, null, null, null);
    }

    @Override
    public ChatOptions.Builder<?> mutate() {
        return new Builder();
    }

    static final class Builder extends DefaultChatOptionsBuilder<Builder> {
        @Override
        public ForeignOptions build() {
            return new ForeignOptions(model);
        }
    }
}
