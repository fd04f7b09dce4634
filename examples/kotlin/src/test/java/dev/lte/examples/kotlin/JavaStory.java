package dev.lte.examples.kotlin;

import dev.lte.GenerationRequest;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.TextDelta;
import java.nio.file.Path;

/** Prints a story as it is generated: {@code JavaStory MODEL}. */
public final class JavaStory {
    private JavaStory() {}

    public static void main(String[] args) {
        tell(Path.of(args[0]));
    }

    static void tell(Path file) {
        // region readme
        try (Model model = Lte.load(file)) {
            model.generate(GenerationRequest.of(
                            r -> r.prompt("Once upon a time").maxTokens(64)))
                    .ofType(TextDelta.class)
                    .doOnNext(delta -> System.out.print(delta.text()))
                    .blockLast();
        }
        // endregion
    }
}
