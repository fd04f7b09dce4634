package dev.lte.core.schema;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/** Computes the masks of an automaton's configurations and remembers those that may come again. Thread-safe. */
final class ConstraintMasks {
    /** Memory for remembered masks, in longs: 16 MiB. */
    private static final int MAX_LONGS = 2 << 20;

    private final PushdownAutomaton automaton;
    private final ConstraintVocabulary vocabulary;
    private final AtomicInteger remembered = new AtomicInteger();

    ConstraintMasks(PushdownAutomaton automaton, ConstraintVocabulary vocabulary) {
        this.automaton = automaton;
        this.vocabulary = vocabulary;
    }

    void write(Configuration of, long[] mask) {
        int length = vocabulary.maskLength();
        long[] before = of.mask;
        if (before != null) {
            System.arraycopy(before, 0, mask, 0, length);
            return;
        }
        Arrays.fill(mask, 0, length, 0);
        vocabulary.allow(automaton, of, mask);
        // Inside a text that counts its characters no configuration comes twice.
        boolean counting = of.room > 0 && of.room < Integer.MAX_VALUE;
        if (!counting) {
            if (remembered.addAndGet(length) > MAX_LONGS) {
                remembered.set(length);
                automaton.forget();
            }
            of.mask = Arrays.copyOf(mask, length);
        }
    }
}
