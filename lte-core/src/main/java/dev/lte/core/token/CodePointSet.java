package dev.lte.core.token;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** A set of code points, with a table for the first 512. Immutable. */
final class CodePointSet {
    private static final int TABLE = 512;

    private final long[] table = new long[TABLE / 64];
    private final IntPredicate predicate;

    CodePointSet(IntPredicate predicate) {
        this.predicate = predicate;
        for (int codePoint = 0; codePoint < TABLE; codePoint++) {
            if (predicate.test(codePoint)) {
                table[codePoint >> 6] |= 1L << codePoint;
            }
        }
    }

    boolean contains(int codePoint) {
        return codePoint < TABLE ? (table[codePoint >> 6] >>> codePoint & 1) != 0 : predicate.test(codePoint);
    }

    static CodePointSet range(int first, int last) {
        return new CodePointSet(codePoint -> codePoint >= first && codePoint <= last);
    }

    static CodePointSet anyOf(List<CodePointSet> members) {
        if (members.size() == 1) {
            return members.getFirst();
        }
        CodePointSet[] sets = members.toArray(CodePointSet[]::new);
        return new CodePointSet(codePoint -> {
            for (CodePointSet set : sets) {
                if (set.contains(codePoint)) {
                    return true;
                }
            }
            return false;
        });
    }

    CodePointSet negate() {
        return new CodePointSet(codePoint -> !contains(codePoint));
    }

    /** The set with every letter in both cases. */
    CodePointSet ignoringCase() {
        return new CodePointSet(codePoint -> contains(codePoint)
                || contains(Character.toLowerCase(codePoint))
                || contains(Character.toUpperCase(codePoint))
                || contains(Character.toLowerCase(Character.toUpperCase(codePoint))));
    }

    /** Unicode's White_Space property. */
    static boolean isWhiteSpace(int codePoint) {
        if (codePoint < 0x80) {
            return codePoint == ' ' || codePoint >= 9 && codePoint <= 13;
        }
        return codePoint == 0x85 || Character.isSpaceChar(codePoint);
    }

    /**
     * A general category ({@code L}, {@code Lu}, ...) or a script ({@code Han}); null if there is none of that name.
     */
    static @Nullable CodePointSet property(String name) {
        int mask = mask(name);
        if (mask != 0) {
            return new CodePointSet(codePoint -> (1 << Character.getType(codePoint) & mask) != 0);
        }
        String script = name.toUpperCase(Locale.ROOT);
        for (Character.UnicodeScript candidate : Character.UnicodeScript.values()) {
            if (candidate.name().equals(script)) {
                return new CodePointSet(codePoint -> Character.UnicodeScript.of(codePoint) == candidate);
            }
        }
        return null;
    }

    /** {@code \w} of regular expressions: letters, marks, decimal digits, connectors. */
    static CodePointSet word() {
        int mask = mask("L") | mask("M") | mask("Nd") | mask("Pc");
        return new CodePointSet(codePoint -> (1 << Character.getType(codePoint) & mask) != 0);
    }

    /** Bit n for each general category n ({@link Character#getType}) that a name covers. */
    private static int mask(String name) {
        return switch (name) {
            case "L" -> bits(1, 2, 3, 4, 5);
            case "Lu" -> bits(1);
            case "Ll" -> bits(2);
            case "Lt" -> bits(3);
            case "Lm" -> bits(4);
            case "Lo" -> bits(5);
            case "M" -> bits(6, 7, 8);
            case "Mn" -> bits(6);
            case "Me" -> bits(7);
            case "Mc" -> bits(8);
            case "N" -> bits(9, 10, 11);
            case "Nd" -> bits(9);
            case "Nl" -> bits(10);
            case "No" -> bits(11);
            case "Z" -> bits(12, 13, 14);
            case "Zs" -> bits(12);
            case "Zl" -> bits(13);
            case "Zp" -> bits(14);
            case "C" -> bits(0, 15, 16, 18, 19);
            case "Cn" -> bits(0);
            case "Cc" -> bits(15);
            case "Cf" -> bits(16);
            case "Co" -> bits(18);
            case "P" -> bits(20, 21, 22, 23, 24, 29, 30);
            case "Pd" -> bits(20);
            case "Ps" -> bits(21);
            case "Pe" -> bits(22);
            case "Pc" -> bits(23);
            case "Po" -> bits(24);
            case "Pi" -> bits(29);
            case "Pf" -> bits(30);
            case "S" -> bits(25, 26, 27, 28);
            case "Sm" -> bits(25);
            case "Sc" -> bits(26);
            case "Sk" -> bits(27);
            case "So" -> bits(28);
            default -> 0;
        };
    }

    private static int bits(int... categories) {
        int bits = 0;
        for (int category : categories) {
            bits |= 1 << category;
        }
        return bits;
    }

    /** Collects the members of a bracket expression. */
    static final class Builder {
        private final List<CodePointSet> members = new ArrayList<>();

        void add(CodePointSet member) {
            members.add(member);
        }

        int size() {
            return members.size();
        }

        CodePointSet build(boolean negated, boolean ignoreCase) {
            CodePointSet set = anyOf(members);
            set = ignoreCase ? set.ignoringCase() : set;
            return negated ? set.negate() : set;
        }
    }
}
