package dev.lte.core.token;

/** Joins the matching and other parts of one word according to a behaviour. Used for one call. */
final class Splitter {
    private final Pieces result;
    private final SplitBehavior behavior;
    private int wordFrom;
    private int at;
    private boolean lastMatched;

    Splitter(Pieces result, SplitBehavior behavior) {
        this.result = result;
        this.behavior = behavior;
    }

    void begin(int from) {
        wordFrom = from;
        at = from;
        lastMatched = false;
    }

    /** The part from the last part's end to {@code to}, which matches or lies between matches. */
    void part(int to, boolean matched) {
        if (to == at) {
            return;
        }
        switch (behavior) {
            case REMOVED -> {
                if (!matched) {
                    result.add(at, to);
                }
                wordFrom = to;
            }
            case ISOLATED -> {
                result.add(at, to);
                wordFrom = to;
            }
            case CONTIGUOUS -> {
                if (matched != lastMatched) {
                    result.add(wordFrom, at);
                    wordFrom = at;
                }
            }
            case MERGED_WITH_PREVIOUS -> {
                if (matched && !lastMatched) {
                    result.add(wordFrom, to);
                    wordFrom = to;
                } else {
                    result.add(wordFrom, at);
                    wordFrom = at;
                }
            }
            case MERGED_WITH_NEXT -> {
                if (matched || !lastMatched) {
                    result.add(wordFrom, at);
                    wordFrom = at;
                }
            }
        }
        lastMatched = matched;
        at = to;
    }

    void finish() {
        result.add(wordFrom, at);
    }
}
