package dev.lte.core.chat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a template into tokens as jinja2's lexer does with {@code trim_blocks} and {@code lstrip_blocks}: the newline
 * after a block or comment goes, and so does the indentation in front of one, {@code -} takes all whitespace on its
 * side and {@code +} keeps it.
 */
final class Lexer {
    private static final int MAX_NAME_CHARS = 200;
    private static final String[] OPERATORS = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=",
        ".", ":", "|", ",", ";"
    };

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private final Deque<Character> brackets = new ArrayDeque<>();
    private int pos;
    private int line = 1;
    private boolean lineStarting = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokenize(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        if (source.endsWith("\n")) {
            source = source.substring(0, source.length() - 1);
        }
        Lexer lexer = new Lexer(source);
        lexer.run();
        return List.copyOf(lexer.tokens);
    }

    private void run() {
        while (pos < source.length()) {
            int tag = nextTag(pos);
            if (tag < 0) {
                data(source.substring(pos));
                break;
            }
            char kind = source.charAt(tag + 1);
            int afterSign = tag + 2;
            char sign = ' ';
            if (afterSign < source.length() && (source.charAt(afterSign) == '-' || source.charAt(afterSign) == '+')) {
                sign = source.charAt(afterSign++);
            }
            String text = source.substring(pos, tag);
            line += countLines(pos, tag);
            data(
                    stripped(text, sign, kind != '{'),
                    line - (int) text.chars().filter(c -> c == '\n').count());
            int raw = kind == '%' ? rawBegin(afterSign) : -1;
            if (raw >= 0) {
                advance(tag, raw);
                raw();
            } else if (kind == '#') {
                advance(tag, afterSign);
                comment();
            } else {
                boolean block = kind == '%';
                add(block ? Token.Type.BLOCK_BEGIN : Token.Type.VARIABLE_BEGIN, block ? "{%" : "{{", null);
                advance(tag, afterSign);
                code(block);
            }
        }
        add(Token.Type.END, "", null);
    }

    private int nextTag(int from) {
        for (int i = source.indexOf('{', from); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            char next = source.charAt(i + 1);
            if (next == '{' || next == '%' || next == '#') {
                return i;
            }
        }
        return -1;
    }

    private String stripped(String text, char sign, boolean lstrip) {
        if (sign == '-') {
            return PyStrings.strip(text, null, false, true);
        }
        if (sign == ' ' && lstrip) {
            int lineStart = text.lastIndexOf('\n') + 1;
            if ((lineStart > 0 || lineStarting) && PyStrings.isBlank(text, lineStart)) {
                return text.substring(0, lineStart);
            }
        }
        return text;
    }

    /** End of {@code {% raw %}} whose name may begin here, or -1 where it is another tag. */
    private int rawBegin(int afterSign) {
        int i = skipSpace(afterSign);
        if (!source.startsWith("raw", i)) {
            return -1;
        }
        i = skipSpace(i + 3);
        if (source.startsWith("-%}", i)) {
            return skipSpace(i + 3);
        }
        return source.startsWith("%}", i) ? i + 2 : -1;
    }

    private void raw() {
        for (int i = source.indexOf("{%", pos); i >= 0; i = source.indexOf("{%", i + 1)) {
            int j = i + 2;
            char sign = j < source.length() ? source.charAt(j) : ' ';
            sign = sign == '-' || sign == '+' ? sign : ' ';
            j = skipSpace(sign == ' ' ? j : j + 1);
            if (!source.startsWith("endraw", j)) {
                continue;
            }
            int end = tagEnd(skipSpace(j + 6), "%}", true);
            if (end >= 0) {
                data(stripped(source.substring(pos, i), sign, true));
                advance(pos, end);
                return;
            }
        }
        throw Problems.syntax(line, "{% endraw %}", "the end of the template");
    }

    private void comment() {
        int end = source.indexOf("#}", pos);
        if (end < 0) {
            throw Problems.syntax(line, "'#}' that ends the comment", "the end of the template");
        }
        boolean signed = end > pos && (source.charAt(end - 1) == '-' || source.charAt(end - 1) == '+');
        advance(pos, tagEnd(signed ? end - 1 : end, "#}", true));
    }

    /** Position behind an end tag at {@code at} with the whitespace it takes, or -1. */
    private int tagEnd(int at, String end, boolean trim) {
        if (source.startsWith("-" + end, at)) {
            return skipSpace(at + 1 + end.length());
        }
        if (trim && source.startsWith("+" + end, at)) {
            return at + 1 + end.length();
        }
        if (source.startsWith(end, at)) {
            int behind = at + end.length();
            return trim && source.startsWith("\n", behind) ? behind + 1 : behind;
        }
        return -1;
    }

    private void code(boolean block) {
        String end = block ? "%}" : "}}";
        while (pos < source.length()) {
            if (brackets.isEmpty()) {
                int behind = tagEnd(pos, end, block);
                if (behind >= 0) {
                    add(block ? Token.Type.BLOCK_END : Token.Type.VARIABLE_END, end, null);
                    advance(pos, behind);
                    return;
                }
            }
            int c = source.codePointAt(pos);
            if (PyStrings.isSpace(c)) {
                advance(pos, skipSpace(pos));
            } else if (c >= '0' && c <= '9') {
                number();
            } else if (isNamePart(c)) {
                name();
            } else if (c == '\'' || c == '"') {
                string((char) c);
            } else {
                operator();
            }
        }
    }

    private void number() {
        int start = pos;
        int end = NumberScanner.floatEnd(source, pos);
        boolean isFloat = end > pos && (pos == 0 || source.charAt(pos - 1) != '.');
        if (!isFloat) {
            end = NumberScanner.integerEnd(source, pos);
        }
        String digits = source.substring(start, end).replace("_", "");
        if (isFloat) {
            add(Token.Type.FLOAT, digits, Double.valueOf(digits));
        } else {
            add(Token.Type.INTEGER, digits, NumberScanner.integer(digits, line));
        }
        advance(start, end);
    }

    private static boolean isNamePart(int c) {
        return c == '_' || Character.isLetterOrDigit(c);
    }

    private void name() {
        int end = pos;
        while (end < source.length() && isNamePart(source.codePointAt(end))) {
            end += Character.charCount(source.codePointAt(end));
        }
        if (end - pos > MAX_NAME_CHARS) {
            throw Problems.unsupported(line, "a name of more than " + MAX_NAME_CHARS + " characters");
        }
        if (!Character.isUnicodeIdentifierStart(source.codePointAt(pos)) && source.charAt(pos) != '_') {
            throw Problems.syntax(line, "an identifier", "'" + source.substring(pos, end) + "'");
        }
        add(Token.Type.NAME, source.substring(pos, end), null);
        advance(pos, end);
    }

    private void string(char quote) {
        int end = pos + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw Problems.syntax(line, "the closing " + quote + " of a string", "the end of the template");
        }
        add(Token.Type.STRING, StringEscapes.unescape(source.substring(pos + 1, end), line), null);
        advance(pos, end + 1);
    }

    private void operator() {
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, pos)) {
                balance(operator.charAt(0));
                add(Token.Type.OPERATOR, operator, null);
                advance(pos, pos + operator.length());
                return;
            }
        }
        throw Problems.syntax(line, "an expression", "'" + Character.toString(source.codePointAt(pos)) + "'");
    }

    private void balance(char c) {
        switch (c) {
            case '(' -> brackets.push(')');
            case '[' -> brackets.push(']');
            case '{' -> brackets.push('}');
            case ')', ']', '}' -> {
                Character expected = brackets.poll();
                if (expected == null || expected != c) {
                    throw Problems.syntax(
                            line, expected == null ? "an expression" : "'" + expected + "'", "'" + c + "'");
                }
            }
            default -> {}
        }
    }

    private void data(String text) {
        data(text, line);
    }

    private void data(String text, int firstLine) {
        if (!text.isEmpty()) {
            tokens.add(new Token(Token.Type.DATA, text, null, firstLine));
        }
    }

    private void add(Token.Type type, String text, @Nullable Object value) {
        tokens.add(new Token(type, text, value, line));
    }

    private int skipSpace(int from) {
        int i = from;
        while (i < source.length() && PyStrings.isSpace(source.charAt(i))) {
            i++;
        }
        return i;
    }

    private void advance(int from, int to) {
        line += countLines(from, to);
        lineStarting = to > from && source.charAt(to - 1) == '\n';
        pos = to;
    }

    private int countLines(int from, int to) {
        int count = 0;
        for (int i = from; i < to; i++) {
            count += source.charAt(i) == '\n' ? 1 : 0;
        }
        return count;
    }
}
