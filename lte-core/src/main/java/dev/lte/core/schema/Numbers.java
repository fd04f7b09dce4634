package dev.lte.core.schema;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Numbers between bounds, as patterns over their decimal digits. Digits are bounded: no number runs on for ever. */
final class Numbers {
    private static final int INTEGER_DIGITS = 18;
    /** Digits that a bound may have behind its point. */
    static final int FRACTION_DIGITS = 15;

    private static final BigDecimal BEYOND = BigDecimal.TEN.pow(INTEGER_DIGITS);
    private static final String INTEGER = "(?:0|[1-9][0-9]{0,17})";
    private static final String FRACTION = "(?:\\.[0-9]{1,15})?";
    /** Matches nothing. */
    private static final String NEVER = "[]";

    /** Any integer that is written without point. */
    static final String ANY_INTEGER = "(?:0|-?[1-9][0-9]{0,17})";

    static final String ANY_NUMBER = "-?" + INTEGER + "(?:\\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,2})?";

    private Numbers() {}

    /**
     * The numbers that satisfy bounds; null stands for no bound.
     *
     * @param digits behind the point, 0 for integers
     */
    static Dfa between(
            int digits,
            @Nullable BigDecimal min,
            boolean minExcluded,
            @Nullable BigDecimal max,
            boolean maxExcluded,
            Budget budget) {
        String fraction = digits == 0 ? "" : "(?:\\.[0-9]{1," + digits + "})?";
        Dfa numbers = PatternParser.whole(digits == 0 ? ANY_INTEGER : "-?" + INTEGER + fraction)
                .compile(budget);
        if (min != null) {
            BigDecimal bound = digits == 0 ? min.setScale(0, RoundingMode.CEILING) : min;
            boolean excluded = minExcluded && bound.compareTo(min) == 0;
            numbers = numbers.and(PatternParser.whole(atLeast(bound, excluded)).compile(budget), budget);
        }
        if (max != null) {
            BigDecimal bound = digits == 0 ? max.setScale(0, RoundingMode.FLOOR) : max;
            boolean excluded = maxExcluded && bound.compareTo(max) == 0;
            numbers = numbers.and(PatternParser.whole(atMost(bound, excluded)).compile(budget), budget);
        }
        return numbers;
    }

    /** Multiples of an integer of 1 or more, any sign. */
    static Dfa multiplesOf(int factor, Budget budget) {
        Nfa nfa = new Nfa(budget);
        int start = nfa.state();
        int digits = nfa.state();
        nfa.bytes(start, '-', '-', digits);
        nfa.skip(start, digits);
        int accept = nfa.state();
        int[] remainders = new int[factor];
        for (int i = 0; i < factor; i++) {
            remainders[i] = nfa.state();
        }
        for (int i = 0; i < factor; i++) {
            for (int digit = 0; digit < 10; digit++) {
                nfa.bytes(remainders[i], '0' + digit, '0' + digit, remainders[(10 * i + digit) % factor]);
            }
        }
        for (int digit = 0; digit < 10; digit++) {
            nfa.bytes(digits, '0' + digit, '0' + digit, remainders[digit % factor]);
        }
        nfa.skip(remainders[0], accept);
        return Dfa.of(nfa, start, accept, budget);
    }

    private static String atLeast(BigDecimal bound, boolean excluded) {
        if (bound.compareTo(BEYOND) >= 0) {
            return NEVER;
        } else if (bound.compareTo(BEYOND.negate()) <= 0) {
            return "-?" + INTEGER + FRACTION;
        } else if (bound.signum() >= 0) {
            return above(bound, excluded);
        }
        return "(?:" + INTEGER + FRACTION + "|-" + below(bound.negate(), excluded) + ")";
    }

    private static String atMost(BigDecimal bound, boolean excluded) {
        if (bound.compareTo(BEYOND) >= 0) {
            return "-?" + INTEGER + FRACTION;
        } else if (bound.compareTo(BEYOND.negate()) <= 0) {
            return NEVER;
        } else if (bound.signum() < 0 || (bound.signum() == 0 && excluded)) {
            return "-" + above(bound.negate(), excluded);
        }
        return "(?:-" + INTEGER + FRACTION + "|" + below(bound, excluded) + ")";
    }

    /** Unsigned decimals of at least, or more than, a bound of 0 or more. */
    private static String above(BigDecimal bound, boolean excluded) {
        String whole = bound.toBigInteger().toString();
        String part = fraction(bound);
        List<String> forms = new ArrayList<>();
        forms.add("[1-9][0-9]{" + whole.length() + "}[0-9]*" + FRACTION);
        for (int i = 0; i < whole.length(); i++) {
            if (whole.charAt(i) < '9') {
                forms.add(whole.substring(0, i) + "[" + (char) (whole.charAt(i) + 1) + "-9][0-9]{"
                        + (whole.length() - i - 1) + "}" + FRACTION);
            }
        }
        if (part.isEmpty()) {
            forms.add(whole + (excluded ? "\\.[0-9]*[1-9][0-9]*" : FRACTION));
        }
        for (int i = 0; i < part.length(); i++) {
            if (part.charAt(i) < '9') {
                forms.add(whole + "\\." + part.substring(0, i) + "[" + (char) (part.charAt(i) + 1) + "-9][0-9]*");
            }
        }
        if (!part.isEmpty()) {
            forms.add(whole + "\\." + part + (excluded ? "[0-9]*[1-9][0-9]*" : "[0-9]*"));
        }
        return "(?:" + String.join("|", forms) + ")";
    }

    /** Unsigned decimals of at most, or less than, a bound of 0 or more. */
    private static String below(BigDecimal bound, boolean excluded) {
        String whole = bound.toBigInteger().toString();
        String part = fraction(bound);
        List<String> forms = new ArrayList<>();
        if (whole.length() > 1) {
            forms.add("(?:0|[1-9][0-9]{0," + (whole.length() - 2) + "})" + FRACTION);
        }
        for (int i = 0; i < whole.length(); i++) {
            char smallest = i == 0 && whole.length() > 1 ? '1' : '0';
            if (whole.charAt(i) > smallest) {
                forms.add(whole.substring(0, i) + "[" + smallest + "-" + (char) (whole.charAt(i) - 1) + "][0-9]{"
                        + (whole.length() - i - 1) + "}" + FRACTION);
            }
        }
        if (part.isEmpty() && !excluded) {
            forms.add(whole + "(?:\\.0+)?");
        }
        if (!part.isEmpty()) {
            forms.add(whole);
        }
        for (int i = 0; i < part.length(); i++) {
            if (part.charAt(i) > '0') {
                forms.add(whole + "\\." + part.substring(0, i) + "[0-" + (char) (part.charAt(i) - 1) + "][0-9]*");
            }
            if (i > 0) {
                forms.add(whole + "\\." + part.substring(0, i));
            }
        }
        if (!part.isEmpty() && !excluded) {
            forms.add(whole + "\\." + part + "0*");
        }
        return forms.isEmpty() ? NEVER : "(?:" + String.join("|", forms) + ")";
    }

    /** Digits behind the point, without zeros at the end. */
    private static String fraction(BigDecimal value) {
        BigDecimal stripped = value.stripTrailingZeros();
        if (stripped.scale() <= 0) {
            return "";
        }
        String plain = stripped.toPlainString();
        return plain.substring(plain.indexOf('.') + 1);
    }
}
