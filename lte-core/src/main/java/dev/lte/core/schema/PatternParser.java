package dev.lte.core.schema;

import dev.lte.UnsupportedSchemaException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the regular part of ECMAScript's regular expressions as JSON Schema uses them: characters, {@code .}, classes,
 * {@code \d \w \s} and their complements, escapes of characters, groups, alternatives, quantifiers (greedy or not, which is
 * the same language), {@code ^} and {@code $} at the ends. Look-around, back references, word boundaries and properties are
 * errors. A pattern matches anywhere in a string unless anchored.
 */
final class PatternParser {
    private static final int MAX_DEPTH = 64;
    private static final Pattern ANYTHING = new Pattern.Repeat(new Pattern.Characters(CodePoints.ALL), 0, Pattern.MANY);

    private final String source;
    private final String path;
    private int at;
    private int depth;

    private PatternParser(String source, String path) {
        this.source = source;
        this.path = path;
    }

    /** @param path of the schema, for messages */
    static Pattern parse(String source, String path) {
        PatternParser parser = new PatternParser(source, path);
        List<Pattern> alternatives = new ArrayList<>();
        do {
            List<Pattern> parts = new ArrayList<>();
            if (parser.take("^")) {
                while (parser.take("^")) {}
            } else {
                parts.add(ANYTHING);
            }
            parser.sequence(parts);
            if (parser.take("$")) {
                while (parser.take("$")) {}
            } else {
                parts.add(ANYTHING);
            }
            alternatives.add(new Pattern.Sequence(parts));
        } while (parser.take("|"));
        if (!parser.atEnd()) {
            throw parser.unsupported("'" + parser.peek() + "' at " + parser.at + " is not supported there");
        }
        return alternatives.size() == 1 ? alternatives.getFirst() : new Pattern.Choice(alternatives);
    }

    /** A pattern of our own that matches whole texts. */
    static Pattern whole(String source) {
        return parse("^(?:" + source + ")$", "#");
    }

    private void sequence(List<Pattern> parts) {
        while (!atEnd() && peek() != '|' && peek() != ')' && peek() != '$') {
            parts.add(quantified(atom()));
        }
    }

    private Pattern alternatives() {
        if (++depth > MAX_DEPTH) {
            throw unsupported("groups are nested more than " + MAX_DEPTH + " deep");
        }
        List<Pattern> alternatives = new ArrayList<>();
        do {
            List<Pattern> parts = new ArrayList<>();
            sequence(parts);
            alternatives.add(new Pattern.Sequence(parts));
        } while (take("|"));
        depth--;
        return alternatives.size() == 1 ? alternatives.getFirst() : new Pattern.Choice(alternatives);
    }

    private Pattern atom() {
        char c = peek();
        if (c == '(') {
            return group();
        } else if (c == '[') {
            return new Pattern.Characters(bracket());
        } else if (c == '.') {
            at++;
            return new Pattern.Characters(CodePoints.LINE_ENDS.complement());
        } else if (c == '\\') {
            return new Pattern.Characters(escape(false));
        } else if ("*+?{}]^".indexOf(c) >= 0) {
            throw unsupported("'" + c + "' at " + at + " is not supported there");
        }
        int codePoint = next();
        return new Pattern.Characters(CodePoints.of(codePoint, codePoint));
    }

    private Pattern group() {
        at++;
        if (take("?")) {
            if (take("<")) {
                int close = source.indexOf('>', at);
                if (close < 0 || peek() == '=' || peek() == '!') {
                    throw unsupported("look-behind is not regular");
                }
                at = close + 1;
            } else if (!take(":")) {
                throw unsupported("look-ahead and flags are not supported");
            }
        }
        Pattern inside = alternatives();
        if (!take(")")) {
            throw unsupported(atEnd() ? "a group is not closed" : "'" + peek() + "' inside a group is not supported");
        }
        return inside;
    }

    private Pattern quantified(Pattern part) {
        Pattern result = part;
        int min;
        int max;
        if (take("*")) {
            min = 0;
            max = Pattern.MANY;
        } else if (take("+")) {
            min = 1;
            max = Pattern.MANY;
        } else if (take("?")) {
            min = 0;
            max = 1;
        } else if (take("{")) {
            min = number();
            max = take(",") ? (!atEnd() && peek() == '}' ? Pattern.MANY : number()) : min;
            if (!take("}") || max < min) {
                throw unsupported("a count is not of the form {n}, {n,} or {n,m}");
            }
        } else {
            return result;
        }
        take("?");
        if (!atEnd() && "*+?{".indexOf(peek()) >= 0) {
            throw unsupported("two quantifiers follow each other");
        }
        return new Pattern.Repeat(result, min, max);
    }

    private int number() {
        int begin = at;
        while (!atEnd() && peek() >= '0' && peek() <= '9') {
            at++;
        }
        if (at == begin || at - begin > 6) {
            throw unsupported("a count is not a number of at most 6 digits");
        }
        return Integer.parseInt(source, begin, at, 10);
    }

    private CodePoints bracket() {
        at++;
        boolean negated = take("^");
        List<int[]> ranges = new ArrayList<>();
        while (!take("]")) {
            CodePoints member = member();
            boolean single = single(member);
            if (single && at + 1 < source.length() && peek() == '-' && source.charAt(at + 1) != ']') {
                at++;
                CodePoints last = member();
                int from = member.bounds().getFirst()[0];
                if (!single(last) || last.bounds().getFirst()[0] < from) {
                    throw unsupported("a range in brackets is not from a character to a later one");
                }
                ranges.add(new int[] {from, last.bounds().getFirst()[0]});
            } else {
                ranges.addAll(member.bounds());
            }
        }
        CodePoints set = CodePoints.union(ranges);
        return negated ? set.complement() : set;
    }

    private CodePoints member() {
        if (atEnd()) {
            throw unsupported("brackets are not closed");
        }
        if (peek() == '\\') {
            return escape(true);
        }
        int codePoint = next();
        return CodePoints.of(codePoint, codePoint);
    }

    private static boolean single(CodePoints set) {
        return set.bounds().size() == 1
                && set.bounds().getFirst()[0] == set.bounds().getFirst()[1];
    }

    private CodePoints escape(boolean inBrackets) {
        at++;
        if (atEnd()) {
            throw unsupported("it ends in a backslash");
        }
        int c = next();
        return switch (c) {
            case 'd' -> CodePoints.DIGITS;
            case 'D' -> CodePoints.DIGITS.complement();
            case 'w' -> CodePoints.WORD;
            case 'W' -> CodePoints.WORD.complement();
            case 's' -> CodePoints.SPACE;
            case 'S' -> CodePoints.SPACE.complement();
            case 't' -> single('\t');
            case 'n' -> single('\n');
            case 'r' -> single('\r');
            case 'f' -> single('\f');
            case 'v' -> single(0x0B);
            case '0' -> single(0);
            case 'x' -> single(hex(2));
            case 'u' -> single(unicode());
            case 'b' -> {
                if (!inBrackets) {
                    throw unsupported("word boundaries are not supported");
                }
                yield single('\b');
            }
            default -> {
                if (Character.isLetterOrDigit(c)) {
                    throw unsupported("\\" + Character.toString(c) + " is not supported");
                }
                yield single(c);
            }
        };
    }

    private static CodePoints single(int codePoint) {
        return CodePoints.of(codePoint, codePoint);
    }

    private int unicode() {
        if (take("{")) {
            int close = source.indexOf('}', at);
            int digits = close - at;
            if (close < 0 || digits > 6) {
                throw unsupported("\\u{...} is not a code point");
            }
            int value = hex(digits);
            at++;
            if (value > Character.MAX_CODE_POINT) {
                throw unsupported("\\u{...} is not a code point");
            }
            return value;
        }
        int value = hex(4);
        if (value >= Character.MIN_SURROGATE && value <= Character.MAX_SURROGATE) {
            throw unsupported("\\u of a surrogate is not supported; write \\u{...}");
        }
        return value;
    }

    private int hex(int digits) {
        int value = 0;
        for (int i = 0; i < digits; i++) {
            int digit = atEnd() ? -1 : Character.digit(source.charAt(at++), 16);
            if (digit < 0) {
                throw unsupported("an escape has no hexadecimal digits");
            }
            value = value << 4 | digit;
        }
        if (digits == 0) {
            throw unsupported("an escape has no hexadecimal digits");
        }
        return value;
    }

    private boolean atEnd() {
        return at >= source.length();
    }

    private char peek() {
        return source.charAt(at);
    }

    private int next() {
        int codePoint = source.codePointAt(at);
        at += Character.charCount(codePoint);
        return codePoint;
    }

    private boolean take(String text) {
        if (source.startsWith(text, at)) {
            at += text.length();
            return true;
        }
        return false;
    }

    private UnsupportedSchemaException unsupported(String problem) {
        String shown = source.length() <= 100 ? source : source.substring(0, 100) + "...";
        return new UnsupportedSchemaException(
                "pattern", path, "the pattern " + shown + " cannot be enforced: " + problem, "use a simpler pattern");
    }
}
