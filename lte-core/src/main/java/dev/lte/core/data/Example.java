package dev.lte.core.data;

import org.jspecify.annotations.Nullable;

/** One thing to learn from. */
public sealed interface Example {
    /**
     * A document, or a part of a long one, all of which is learnt.
     *
     * @param beginsDocument false for a part that goes on with the document of the example before
     * @param endsDocument false for a part whose document goes on in the next example
     */
    record Text(String text, boolean beginsDocument, boolean endsDocument) implements Example {}

    /** A prompt, given, and its completion, learnt. */
    record Completion(String prompt, String completion) implements Example {}

    /**
     * A text, or a pair of texts, and its class.
     *
     * @param second null for single texts
     * @param label from 0
     */
    record Labelled(String first, @Nullable String second, int label) implements Example {}
}
