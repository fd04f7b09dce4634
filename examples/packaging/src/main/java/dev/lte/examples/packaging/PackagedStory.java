package dev.lte.examples.packaging;

import dev.lte.GenerationRequest;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import java.nio.file.Path;

/** Prints the backend and a few words: {@code PackagedStory MODEL}. */
public final class PackagedStory {
    private PackagedStory() {}

    public static void main(String[] args) {
        try (Model model = Lte.load(Path.of(args[0]))) {
            System.out.println(model.info().backend());
            model.generate(GenerationRequest.of(
                            r -> r.prompt("Once upon a time").maxTokens(8).sampling(Sampling.greedy())))
                    .ofType(TextDelta.class)
                    .doOnNext(delta -> System.out.print(delta.text()))
                    .blockLast();
            System.out.println();
        }
    }
}
