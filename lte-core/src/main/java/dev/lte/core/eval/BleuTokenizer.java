package dev.lte.core.eval;

import java.util.List;
import java.util.regex.Pattern;

/** The words of BLEU: those of mteval-v13a, which sacrebleu names {@code 13a} and takes by default. */
final class BleuTokenizer {
    private static final Pattern SYMBOL = Pattern.compile("([{-~\\[-` -&(-+:-@/])");
    private static final Pattern MARK_AFTER_NO_DIGIT = Pattern.compile("([^0-9])([.,])");
    private static final Pattern MARK_BEFORE_NO_DIGIT = Pattern.compile("([.,])([^0-9])");
    private static final Pattern DASH_AFTER_DIGIT = Pattern.compile("([0-9])(-)");

    private BleuTokenizer() {}

    static List<String> words(String text) {
        String line = Words.stripTrailing(text)
                .replace("<skipped>", "")
                .replace("-\n", "")
                .replace("\n", " ")
                .replace("&quot;", "\"")
                .replace("&amp;", "&")
                .replace("&lt;", "<")
                .replace("&gt;", ">");
        line = " " + line + " ";
        line = SYMBOL.matcher(line).replaceAll(" $1 ");
        line = MARK_AFTER_NO_DIGIT.matcher(line).replaceAll("$1 $2 ");
        line = MARK_BEFORE_NO_DIGIT.matcher(line).replaceAll(" $1 $2");
        line = DASH_AFTER_DIGIT.matcher(line).replaceAll("$1 $2 ");
        return Words.split(line);
    }
}
