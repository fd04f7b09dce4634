package dev.lte.core.token;

import dev.lte.UnsupportedModelException;

/**
 * A regular expression of the kind that pre-tokenizers use, matched by backtracking over character sets. Unlike
 * {@link java.util.regex} it works in bounded stack space and gives up with a typed error when a pattern from a file
 * needs far more steps than the text is long. Parsed by {@link SplitPatternParser}. Immutable and thread-safe.
 */
final class SplitPattern {
    /** Steps allowed per character of text, beyond a constant; the patterns in use need fewer than 20. */
    private static final int STEPS_PER_CHARACTER = 400;

    private static final long FREE_STEPS = 1_000_000;

    /** One element of a compiled pattern; the elements after it are reached through {@code next}. */
    interface Node {
        /** Where a match that begins at {@code at} with this element ends, or -1. */
        int match(Run run, int at);
    }

    /** A text being matched and the steps left for it. */
    static final class Run {
        final String text;
        final int end;
        private final String pattern;
        private long steps;

        private Run(String text, int from, int end, String pattern) {
            this.text = text;
            this.end = end;
            this.pattern = pattern;
            steps = FREE_STEPS + (long) STEPS_PER_CHARACTER * (end - from);
        }

        void spend(int count) {
            steps -= count;
            if (steps < 0) {
                throw new UnsupportedModelException(
                        "the tokenizer's pattern " + pattern + " needs too many steps for this text",
                        "use a model with one of the usual pre-tokenizers");
            }
        }
    }

    private final String source;
    private final Node root;
    private final CodePointSet leadingRun;
    private final boolean skipsRuns;

    /**
     * @param leadingRun the set whose greedy repetition every match begins with, if {@code skipsRuns}: a match that
     *     fails somewhere in a run of it fails in the rest of the run too
     */
    SplitPattern(String source, Node root, CodePointSet leadingRun, boolean skipsRuns) {
        this.source = source;
        this.root = root;
        this.leadingRun = leadingRun;
        this.skipsRuns = skipsRuns;
    }

    /** Receives matches from left to right. */
    interface Sink {
        /** @param to greater than {@code from} */
        void match(int from, int to);
    }

    /**
     * Finds all matches in {@code text[from, to)}, which the pattern sees as a whole text; empty ones are passed over.
     */
    void find(String text, int from, int to, Sink sink) {
        Run run = new Run(text, from, to, source);
        int at = from;
        while (at < to) {
            int end = root.match(run, at);
            if (end > at) {
                sink.match(at, end);
                at = end;
                continue;
            }
            run.spend(1);
            int begin = at;
            at += Character.charCount(codePoint(run, at));
            if (skipsRuns && leadingRun.contains(codePoint(run, begin))) {
                while (at < to && leadingRun.contains(codePoint(run, at))) {
                    at += Character.charCount(codePoint(run, at));
                }
            }
        }
    }

    private static int codePoint(Run run, int at) {
        char high = run.text.charAt(at);
        if (Character.isHighSurrogate(high) && at + 1 < run.end) {
            char low = run.text.charAt(at + 1);
            if (Character.isLowSurrogate(low)) {
                return Character.toCodePoint(high, low);
            }
        }
        return high;
    }

    /** The end of a pattern or of a look-ahead: matches nothing, successfully. */
    static Node accept() {
        return (run, at) -> at;
    }

    /** {@code set{min,max}}, greedy. */
    static Node repeat(CodePointSet set, int min, int max, boolean possessive, Node next) {
        if (min == 1 && max == 1) {
            return (run, at) -> {
                if (at >= run.end) {
                    return -1;
                }
                int codePoint = codePoint(run, at);
                return set.contains(codePoint) ? next.match(run, at + Character.charCount(codePoint)) : -1;
            };
        }
        return (run, at) -> {
            int to = at;
            int count = 0;
            while (count < max && to < run.end) {
                int codePoint = codePoint(run, to);
                if (!set.contains(codePoint)) {
                    break;
                }
                to += Character.charCount(codePoint);
                count++;
            }
            run.spend(count + 1);
            while (count >= min) {
                int end = next.match(run, to);
                if (end >= 0 || possessive) {
                    return end;
                }
                if (count > 0) {
                    to = before(run, to, at);
                }
                run.spend(1);
                count--;
            }
            return -1;
        };
    }

    private static int before(Run run, int to, int at) {
        boolean pair = to - 2 >= at
                && Character.isLowSurrogate(run.text.charAt(to - 1))
                && Character.isHighSurrogate(run.text.charAt(to - 2));
        return to - (pair ? 2 : 1);
    }

    static Node either(Node[] alternatives) {
        return (run, at) -> {
            run.spend(1);
            for (Node alternative : alternatives) {
                int end = alternative.match(run, at);
                if (end >= 0) {
                    return end;
                }
            }
            return -1;
        };
    }

    /** Succeeds without moving if the inner pattern matches here, or if it does not. */
    static Node lookAhead(Node inner, boolean wanted, Node next) {
        return (run, at) -> inner.match(run, at) >= 0 == wanted ? next.match(run, at) : -1;
    }

    /** {@code $}: the end of the text. */
    static Node endOfText(Node next) {
        return (run, at) -> at == run.end ? next.match(run, at) : -1;
    }
}
