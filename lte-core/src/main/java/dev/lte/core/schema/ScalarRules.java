package dev.lte.core.schema;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rules of numbers and strings. */
final class ScalarRules {
    private static final int LARGEST_FACTOR = 1000;
    private static final BigDecimal INT_MIN = BigDecimal.valueOf(Integer.MIN_VALUE);
    private static final BigDecimal INT_MAX = BigDecimal.valueOf(Integer.MAX_VALUE);

    private final RuleSet rules;

    ScalarRules(RuleSet rules) {
        this.rules = rules;
    }

    int number(SchemaView schema, boolean integer) {
        BigDecimal min = schema.number("minimum");
        BigDecimal above = schema.number("exclusiveMinimum");
        BigDecimal max = schema.number("maximum");
        BigDecimal below = schema.number("exclusiveMaximum");
        BigDecimal factor = schema.number("multipleOf");
        if (integer && "int32".equals(schema.text("format"))) {
            // What generators of schemas write for an int of Java; int64 is wider than what is written.
            min = min == null ? INT_MIN : min.max(INT_MIN);
            max = max == null ? INT_MAX : max.min(INT_MAX);
        }
        if (min == null && above == null && max == null && below == null && factor == null) {
            return integer ? rules.integer() : rules.number();
        }
        for (String keyword : List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")) {
            BigDecimal bound = schema.number(keyword);
            if (bound != null && bound.stripTrailingZeros().scale() > Numbers.FRACTION_DIGITS) {
                throw schema.error(
                        keyword,
                        "bounds have at most " + Numbers.FRACTION_DIGITS + " digits behind the point",
                        "round it");
            }
        }
        boolean minExcluded = above != null && (min == null || above.compareTo(min) >= 0);
        boolean maxExcluded = below != null && (max == null || below.compareTo(max) <= 0);
        Dfa factors = factor == null ? null : factors(schema, factor, integer);
        int digits = integer || (factor != null && factors != null) ? 0 : fractionDigits(factor);
        Dfa numbers = Numbers.between(
                digits, minExcluded ? above : min, minExcluded, maxExcluded ? below : max, maxExcluded, rules.budget());
        return rules.add(factors == null ? numbers : numbers.and(factors, rules.budget()));
    }

    /** Multiples of a whole number; null for a power of ten of at most 1, which bounds the digits instead. */
    private @Nullable Dfa factors(SchemaView schema, BigDecimal factor, boolean integer) {
        BigDecimal stripped = factor.signum() > 0 ? factor.stripTrailingZeros() : BigDecimal.ZERO;
        boolean tenth = stripped.unscaledValue().bitLength() == 1
                && stripped.scale() >= 0
                && stripped.scale() <= Numbers.FRACTION_DIGITS;
        if (tenth && (integer || stripped.scale() > 0)) {
            return null;
        }
        boolean whole = stripped.signum() > 0
                && stripped.scale() <= 0
                && stripped.compareTo(BigDecimal.valueOf(LARGEST_FACTOR)) <= 0;
        if (!whole) {
            throw schema.error(
                    "multipleOf",
                    "only 0.1, 0.01, ... and whole numbers up to " + LARGEST_FACTOR + " can be enforced",
                    "use minimum, maximum or an enum");
        }
        return Numbers.multiplesOf(stripped.intValueExact(), rules.budget());
    }

    private static int fractionDigits(@Nullable BigDecimal factor) {
        return factor == null
                ? Numbers.FRACTION_DIGITS
                : factor.stripTrailingZeros().scale();
    }

    /** What follows the opening quote. */
    int restOfString(SchemaView schema) {
        int min = schema.count("minLength", 0);
        int max = schema.count("maxLength", CountedText.UNBOUNDED);
        if (max != CountedText.UNBOUNDED && max < min) {
            throw schema.error("maxLength", "it is less than minLength", "correct it");
        }
        int largest = CountedText.largestBound(rules.character());
        if (min > largest) {
            throw schema.error("minLength", "at most " + largest + " can be enforced", "use a smaller one");
        }
        List<Pattern> patterns = new ArrayList<>();
        String pattern = schema.text("pattern");
        if (pattern != null) {
            patterns.add(PatternParser.parse(pattern, schema.path()));
        }
        String format = schema.text("format");
        if (format != null) {
            String known = Formats.pattern(format);
            if (known == null) {
                throw schema.error(
                        "format", "the format " + format + " cannot be enforced", "use one of " + Formats.names());
            }
            patterns.add(PatternParser.whole(known));
        }
        if (patterns.isEmpty()) {
            return rules.text(min, Math.min(max, largest));
        }
        if (min > 0 || max != CountedText.UNBOUNDED) {
            if (Math.max(min, max) > Budget.MAX_ITEMS && (min > Budget.MAX_ITEMS || max < Integer.MAX_VALUE)) {
                throw schema.error(
                        max == CountedText.UNBOUNDED ? "minLength" : "maxLength",
                        "beside a pattern or a format at most " + Budget.MAX_ITEMS + " can be enforced",
                        "use a smaller one");
            }
            int bound = max == CountedText.UNBOUNDED || max == Integer.MAX_VALUE ? Pattern.MANY : max;
            patterns.add(new Pattern.Repeat(new Pattern.Characters(CodePoints.ALL), min, bound));
        }
        Dfa strings = patterns.getFirst().compileRestOfString(rules.budget());
        for (Pattern other : patterns.subList(1, patterns.size())) {
            strings = strings.and(other.compileRestOfString(rules.budget()), rules.budget());
        }
        return rules.add(strings);
    }
}
