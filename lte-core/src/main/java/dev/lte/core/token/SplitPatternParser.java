package dev.lte.core.token;

import dev.lte.UnsupportedModelException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Parses the subset of regular expressions that {@link SplitPattern} matches: alternatives, groups ({@code (...)},
 * {@code (?:...)}, {@code (?i:...)}), look-ahead, {@code $}, characters, {@code .}, escapes, {@code \p{..}}, brackets
 * without nesting, and the quantifiers {@code ? * + {n,m}}, greedy or possessive, of which only {@code ?} may follow a
 * group. Anything else is an {@link UnsupportedModelException} that names it.
 */
final class SplitPatternParser {
    private static final int MAX_LENGTH = 4096;
    private static final int MAX_MEMBERS = 512;
    private static final int MAX_DEPTH = 20;
    private static final int MANY = Integer.MAX_VALUE;

    /** Builds the node of an element once the node after it is known. */
    private interface Element {
        SplitPattern.Node before(SplitPattern.Node next);
    }

    private record Repeat(CodePointSet set, int min, int max, boolean possessive) implements Element {
        @Override
        public SplitPattern.Node before(SplitPattern.Node next) {
            return SplitPattern.repeat(set, min, max, possessive, next);
        }
    }

    private record Group(List<List<Element>> alternatives) implements Element {
        @Override
        public SplitPattern.Node before(SplitPattern.Node next) {
            return compile(alternatives, next);
        }
    }

    private final String source;
    private int at;
    private int depth;

    private SplitPatternParser(String source) {
        this.source = source;
    }

    static SplitPattern parse(String source) {
        if (source.length() > MAX_LENGTH) {
            throw new UnsupportedModelException(
                    "the tokenizer has a pattern of " + source.length() + " characters, more than " + MAX_LENGTH,
                    "use a model with one of the usual pre-tokenizers");
        }
        SplitPatternParser parser = new SplitPatternParser(source);
        List<List<Element>> alternatives = parser.alternatives(false);
        if (parser.at < source.length()) {
            throw parser.unsupported("a closing parenthesis without an opening one");
        }
        Element first = alternatives.getFirst().isEmpty()
                ? null
                : alternatives.getFirst().getFirst();
        boolean skipsRuns = alternatives.size() == 1
                && first instanceof Repeat(CodePointSet ignored, int min, int max, boolean possessive)
                && min <= 1
                && max == MANY
                && !possessive;
        CodePointSet leading = first instanceof Repeat repeat ? repeat.set() : CodePointSet.range(0, 0);
        return new SplitPattern(source, compile(alternatives, SplitPattern.accept()), leading, skipsRuns);
    }

    /** A pattern that matches a text literally. */
    static SplitPattern literal(String text) {
        if (text.isEmpty()) {
            throw new UnsupportedModelException("the tokenizer splits at an empty text", "use another model");
        }
        SplitPattern.Node node = SplitPattern.accept();
        for (int end = text.length(); end > 0; ) {
            int codePoint = text.codePointBefore(end);
            node = SplitPattern.repeat(CodePointSet.range(codePoint, codePoint), 1, 1, false, node);
            end -= Character.charCount(codePoint);
        }
        return new SplitPattern(text, node, CodePointSet.range(0, 0), false);
    }

    private static SplitPattern.Node compile(List<List<Element>> alternatives, SplitPattern.Node next) {
        SplitPattern.Node[] nodes = new SplitPattern.Node[alternatives.size()];
        for (int i = 0; i < nodes.length; i++) {
            SplitPattern.Node node = next;
            for (Element element : alternatives.get(i).reversed()) {
                node = element.before(node);
            }
            nodes[i] = node;
        }
        return nodes.length == 1 ? nodes[0] : SplitPattern.either(nodes);
    }

    private List<List<Element>> alternatives(boolean ignoreCase) {
        if (++depth > MAX_DEPTH) {
            throw unsupported("groups nested more than " + MAX_DEPTH + " deep");
        }
        List<List<Element>> alternatives = new ArrayList<>();
        List<Element> elements = new ArrayList<>();
        while (at < source.length() && source.charAt(at) != ')') {
            if (source.charAt(at) == '|') {
                at++;
                alternatives.add(elements);
                elements = new ArrayList<>();
            } else {
                elements.add(element(ignoreCase));
            }
        }
        alternatives.add(elements);
        depth--;
        return alternatives;
    }

    private Element element(boolean ignoreCase) {
        char c = source.charAt(at);
        if (c == '(') {
            return group(ignoreCase);
        } else if (c == '$') {
            at++;
            return SplitPattern::endOfText;
        } else if (c == '^' || c == '*' || c == '+' || c == '?') {
            throw unsupported("'" + c + "'");
        }
        CodePointSet set = set(ignoreCase);
        int[] bounds = quantifier();
        return bounds == null ? new Repeat(set, 1, 1, false) : new Repeat(set, bounds[0], bounds[1], possessive());
    }

    private Element group(boolean ignoreCase) {
        boolean ignoreCaseInside = ignoreCase;
        @Nullable Boolean lookAhead = null;
        if (source.startsWith("(?:", at)) {
            at += 3;
        } else if (source.startsWith("(?i:", at)) {
            at += 4;
            ignoreCaseInside = true;
        } else if (source.startsWith("(?!", at) || source.startsWith("(?=", at)) {
            lookAhead = source.charAt(at + 2) == '=';
            at += 3;
        } else if (source.startsWith("(?", at)) {
            throw unsupported("the group " + source.substring(at, Math.min(at + 4, source.length())));
        } else {
            at++;
        }
        List<List<Element>> alternatives = alternatives(ignoreCaseInside);
        if (at >= source.length()) {
            throw unsupported("a parenthesis that is not closed");
        }
        at++;
        int[] bounds = quantifier();
        if (lookAhead != null) {
            if (bounds != null) {
                throw unsupported("a repeated look-ahead");
            }
            SplitPattern.Node inner = compile(alternatives, SplitPattern.accept());
            boolean wanted = lookAhead;
            return next -> SplitPattern.lookAhead(inner, wanted, next);
        }
        if (bounds == null) {
            return new Group(alternatives);
        }
        if (bounds[0] != 0 || bounds[1] != 1 || possessive()) {
            throw unsupported("a repeated group");
        }
        List<List<Element>> optional = new ArrayList<>(alternatives);
        optional.add(List.of());
        return new Group(optional);
    }

    /** Least and greatest count, or null if there is no quantifier. */
    private int @Nullable [] quantifier() {
        if (at >= source.length()) {
            return null;
        }
        switch (source.charAt(at)) {
            case '?' -> {
                at++;
                return new int[] {0, 1};
            }
            case '*' -> {
                at++;
                return new int[] {0, MANY};
            }
            case '+' -> {
                at++;
                return new int[] {1, MANY};
            }
            case '{' -> {
                int close = source.indexOf('}', at);
                String[] bounds = close < 0
                        ? new String[0]
                        : source.substring(at + 1, close).split(",", -1);
                if (bounds.length < 1 || bounds.length > 2 || !bounds[0].matches("\\d{1,4}")) {
                    throw unsupported("a quantifier in braces");
                }
                at = close + 1;
                int min = Integer.parseInt(bounds[0]);
                if (bounds.length == 1) {
                    return new int[] {min, min};
                }
                if (!bounds[1].matches("\\d{0,4}")) {
                    throw unsupported("a quantifier in braces");
                }
                return new int[] {min, bounds[1].isEmpty() ? MANY : Integer.parseInt(bounds[1])};
            }
            default -> {
                return null;
            }
        }
    }

    private boolean possessive() {
        if (at < source.length() && source.charAt(at) == '+') {
            at++;
            return true;
        }
        if (at < source.length() && source.charAt(at) == '?') {
            throw unsupported("a reluctant quantifier");
        }
        return false;
    }

    /** One character, escape or bracket. */
    private CodePointSet set(boolean ignoreCase) {
        char c = source.charAt(at);
        if (c == '[') {
            return bracket(ignoreCase);
        } else if (c == '\\') {
            return escape(ignoreCase);
        } else if (c == '.') {
            at++;
            return CodePointSet.range('\n', '\n').negate();
        } else if (c == '{') {
            throw unsupported("a quantifier without anything to repeat");
        }
        return character(source.codePointAt(at), Character.charCount(source.codePointAt(at)), ignoreCase);
    }

    private CodePointSet character(int codePoint, int length, boolean ignoreCase) {
        at += length;
        CodePointSet set = CodePointSet.range(codePoint, codePoint);
        return ignoreCase ? set.ignoringCase() : set;
    }

    private CodePointSet bracket(boolean ignoreCase) {
        at++;
        boolean negated = at < source.length() && source.charAt(at) == '^';
        at += negated ? 1 : 0;
        CodePointSet.Builder members = new CodePointSet.Builder();
        int begin = at;
        while (at >= source.length() || source.charAt(at) != ']' || at == begin) {
            if (at >= source.length()) {
                throw unsupported("a bracket that is not closed");
            } else if (source.charAt(at) == '[' || source.startsWith("&&", at)) {
                throw unsupported("a bracket in a bracket");
            }
            members.add(member());
            if (members.size() > MAX_MEMBERS) {
                throw unsupported("a bracket of more than " + MAX_MEMBERS + " members");
            }
        }
        at++;
        return members.build(negated, ignoreCase);
    }

    /** A character, a range or a class in a bracket. */
    private CodePointSet member() {
        if (source.charAt(at) == '\\' && singleEscape() < 0) {
            return escape(false);
        }
        int first = bracketCharacter();
        boolean range = at + 1 < source.length() && source.charAt(at) == '-' && source.charAt(at + 1) != ']';
        if (!range) {
            return CodePointSet.range(first, first);
        }
        at++;
        if (source.charAt(at) == '[' || source.charAt(at) == '\\' && singleEscape() < 0) {
            throw unsupported("a range that ends in a class");
        }
        int last = bracketCharacter();
        if (last < first) {
            throw unsupported("a range that ends before it begins");
        }
        return CodePointSet.range(first, last);
    }

    private int bracketCharacter() {
        if (source.charAt(at) == '\\') {
            int codePoint = singleEscape();
            at += escapeLength();
            return codePoint;
        }
        int codePoint = source.codePointAt(at);
        at += Character.charCount(codePoint);
        return codePoint;
    }

    private CodePointSet escape(boolean ignoreCase) {
        int single = singleEscape();
        if (single >= 0) {
            return character(single, escapeLength(), ignoreCase);
        }
        char c = at + 1 < source.length() ? source.charAt(at + 1) : 0;
        if (c == 'p' || c == 'P') {
            int close = source.startsWith("{", at + 2) ? source.indexOf('}', at) : -1;
            String name = close < 0 ? "" : source.substring(at + 3, close);
            boolean negated = c == 'P' ^ name.startsWith("^");
            CodePointSet set = CodePointSet.property(name.startsWith("^") ? name.substring(1) : name);
            if (set == null) {
                throw unsupported("the property \\" + c + "{" + name + "}");
            }
            at = close + 1;
            return negated ? set.negate() : set;
        }
        CodePointSet set = switch (Character.toLowerCase(c)) {
            case 's' -> new CodePointSet(CodePointSet::isWhiteSpace);
            case 'd' -> CodePointSet.property("Nd");
            case 'w' -> CodePointSet.word();
            default -> null;
        };
        if (set == null) {
            throw unsupported(c == 0 ? "an escape without a character" : "the escape \\" + c);
        }
        at += 2;
        return Character.isUpperCase(c) ? set.negate() : set;
    }

    /** The code point that the escape here stands for, or -1 if it is a class, unknown or cut off. Does not move. */
    private int singleEscape() {
        char c = at + 1 < source.length() ? source.charAt(at + 1) : 0;
        return switch (c) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'f' -> '\f';
            case 'v' -> 0x0B;
            case 'u', 'x' -> hexadecimal();
            default -> c > ' ' && c < 0x7F && !Character.isLetterOrDigit(c) || c == ' ' ? c : -1;
        };
    }

    private int escapeLength() {
        char c = source.charAt(at + 1);
        if (c != 'u' && c != 'x') {
            return 2;
        }
        return source.startsWith("{", at + 2) ? source.indexOf('}', at) + 1 - at : c == 'u' ? 6 : 4;
    }

    private int hexadecimal() {
        boolean braces = source.startsWith("{", at + 2);
        int from = at + (braces ? 3 : 2);
        int to = braces ? source.indexOf('}', from) : from + (source.charAt(at + 1) == 'u' ? 4 : 2);
        if (to <= from || to > source.length() || to - from > 6) {
            return -1;
        }
        int value = 0;
        for (int i = from; i < to; i++) {
            int digit = Character.digit(source.charAt(i), 16);
            if (digit < 0) {
                return -1;
            }
            value = value << 4 | digit;
        }
        return value <= Character.MAX_CODE_POINT ? value : -1;
    }

    private UnsupportedModelException unsupported(String what) {
        return new UnsupportedModelException(
                "the tokenizer's pattern " + source + " has " + what + " at " + at + ", which LTE does not know",
                "use a model with one of the usual pre-tokenizers");
    }
}
