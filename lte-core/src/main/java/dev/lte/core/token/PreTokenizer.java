package dev.lte.core.token;

import java.util.List;

/** Cuts words into smaller ones, which are encoded each on its own. Immutable and thread-safe. */
interface PreTokenizer {
    Pieces apply(Pieces pieces);

    static PreTokenizer sequence(List<PreTokenizer> steps) {
        List<PreTokenizer> fixed = List.copyOf(steps);
        return fixed.size() == 1
                ? fixed.getFirst()
                : pieces -> {
                    Pieces result = pieces;
                    for (PreTokenizer step : fixed) {
                        result = step.apply(result);
                    }
                    return result;
                };
    }

    /** Cuts at each match of a pattern; what becomes of the match depends on the behaviour. */
    static PreTokenizer split(SplitPattern pattern, SplitBehavior behavior, boolean invert) {
        return pieces -> {
            Pieces result = pieces.empty();
            Splitter splitter = new Splitter(result, behavior);
            for (int i = 0; i < pieces.size(); i++) {
                int from = pieces.from(i);
                int to = pieces.to(i);
                splitter.begin(from);
                pattern.find(pieces.text(), from, to, (begin, end) -> {
                    splitter.part(begin, invert);
                    splitter.part(end, !invert);
                });
                splitter.part(to, invert);
                splitter.finish();
            }
            return result;
        };
    }

    /** {@link SplitBehavior#ISOLATED} at each pattern in turn, as GGUF's named pre-tokenizers are defined. */
    static PreTokenizer isolate(String... patterns) {
        PreTokenizer[] steps = new PreTokenizer[patterns.length];
        for (int i = 0; i < patterns.length; i++) {
            steps[i] = split(SplitPatternParser.parse(patterns[i]), SplitBehavior.ISOLATED, false);
        }
        return sequence(List.of(steps));
    }
}
