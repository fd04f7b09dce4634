package dev.lte.examples.conformance;

import dev.lte.GenerationOptions;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The story model, and requests whose streams have as many events as are asked for. */
final class StoryModel {
    private StoryModel() {}

    /** It was trained on stories, not on chats, so turns are plain lines. */
    static Model load() {
        Path file = Path.of(Objects.requireNonNull(System.getProperty("lte.examples.models")), "tinystories-656k.gguf");
        return Lte.load(
                file,
                LoadOptions.of(load -> load.threads(1)
                        .maxStreams(64)
                        .maxQueued(512)
                        .chatTemplate("{% for m in messages %}{{ m.content }}\n{% endfor %}")));
    }

    /**
     * Exactly {@code events} events: one for each token, and the last one. Every token is the same whole word, since a token that
     * holds only a part of a character is no event of a chat.
     */
    static void exactly(Model model, long events, GenerationOptions.Builder<?> options) {
        int[] word = model.tokenizer().encode("the");
        int id = word[word.length - 1];
        options.ignoreEndOfText(true).sampling(Sampling.greedy()).logitBias(Map.of(id, 100f));
        if (events == 1) {
            options.maxTokens(1).stopIds(List.of(id));
        } else {
            options.maxTokens(Math.toIntExact(events - 1));
        }
    }
}
