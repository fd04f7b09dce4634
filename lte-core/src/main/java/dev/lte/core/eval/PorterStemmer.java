package dev.lte.core.eval;

/**
 * Cuts suffixes off English words: Porter's algorithm (Program 14, 1980) with the author's own two later changes (-bli, -logi),
 * as the author's own programs have it. Words are lower case ASCII; others come back as they are. Words of up to two letters stay.
 */
final class PorterStemmer {
    private static final String[][] STEP_2 = {
        {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"}, {"bli", "ble"},
        {"alli", "al"}, {"entli", "ent"}, {"eli", "e"}, {"ousli", "ous"}, {"ization", "ize"}, {"ation", "ate"},
        {"ator", "ate"}, {"alism", "al"}, {"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},
        {"iviti", "ive"}, {"biliti", "ble"}, {"logi", "log"}
    };
    private static final String[][] STEP_3 = {
        {"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""}
    };
    private static final String[] STEP_4 = {
        "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate",
        "iti", "ous", "ive", "ize"
    };

    private PorterStemmer() {}

    static String stem(String word) {
        if (word.length() <= 2 || !word.chars().allMatch(c -> c >= 'a' && c <= 'z')) {
            return word;
        }
        String stem = plural(word);
        stem = past(stem);
        if (stem.endsWith("y") && hasVowel(stem, stem.length() - 1)) {
            stem = stem.substring(0, stem.length() - 1) + "i";
        }
        stem = replaceLongest(stem, STEP_2);
        stem = replaceLongest(stem, STEP_3);
        stem = derived(stem);
        return tidy(stem);
    }

    private static String plural(String word) {
        if (word.endsWith("sses") || word.endsWith("ies")) {
            return word.substring(0, word.length() - 2);
        }
        return word.endsWith("s") && !word.endsWith("ss") ? word.substring(0, word.length() - 1) : word;
    }

    private static String past(String word) {
        if (word.endsWith("eed")) {
            return measure(word, word.length() - 3) > 0 ? word.substring(0, word.length() - 1) : word;
        }
        int end = word.endsWith("ed") ? word.length() - 2 : word.endsWith("ing") ? word.length() - 3 : -1;
        if (end < 0 || !hasVowel(word, end)) {
            return word;
        }
        String stem = word.substring(0, end);
        if (stem.endsWith("at") || stem.endsWith("bl") || stem.endsWith("iz")) {
            return stem + "e";
        }
        if (endsInDoubleConsonant(stem)) {
            char last = stem.charAt(end - 1);
            return last == 'l' || last == 's' || last == 'z' ? stem : stem.substring(0, end - 1);
        }
        return measure(stem, end) == 1 && endsShort(stem, end) ? stem + "e" : stem;
    }

    /** Only the longest suffix that fits is looked at. */
    private static String replaceLongest(String word, String[][] rules) {
        String[] longest = null;
        for (String[] rule : rules) {
            if (word.endsWith(rule[0]) && (longest == null || rule[0].length() > longest[0].length())) {
                longest = rule;
            }
        }
        if (longest == null) {
            return word;
        }
        int end = word.length() - longest[0].length();
        return measure(word, end) > 0 ? word.substring(0, end) + longest[1] : word;
    }

    private static String derived(String word) {
        String longest = "";
        for (String suffix : STEP_4) {
            if (word.endsWith(suffix) && suffix.length() > longest.length()) {
                longest = suffix;
            }
        }
        int end = word.length() - longest.length();
        if (longest.isEmpty() || measure(word, end) <= 1) {
            return word;
        }
        if (longest.equals("ion") && word.charAt(end - 1) != 's' && word.charAt(end - 1) != 't') {
            return word;
        }
        return word.substring(0, end);
    }

    private static String tidy(String word) {
        String stem = word;
        if (stem.endsWith("e")) {
            int end = stem.length() - 1;
            int measure = measure(stem, end);
            if (measure > 1 || measure == 1 && !endsShort(stem, end)) {
                stem = stem.substring(0, end);
            }
        }
        if (stem.endsWith("ll") && measure(stem, stem.length()) > 1) {
            stem = stem.substring(0, stem.length() - 1);
        }
        return stem;
    }

    private static boolean isConsonant(String word, int index) {
        return switch (word.charAt(index)) {
            case 'a', 'e', 'i', 'o', 'u' -> false;
            case 'y' -> index == 0 || !isConsonant(word, index - 1);
            default -> true;
        };
    }

    /** m of [C](VC)^m[V] for the first {@code end} letters. */
    private static int measure(String word, int end) {
        int measure = 0;
        boolean vowel = false;
        for (int i = 0; i < end; i++) {
            boolean consonant = isConsonant(word, i);
            if (consonant && vowel) {
                measure++;
            }
            vowel = !consonant;
        }
        return measure;
    }

    private static boolean hasVowel(String word, int end) {
        for (int i = 0; i < end; i++) {
            if (!isConsonant(word, i)) {
                return true;
            }
        }
        return false;
    }

    private static boolean endsInDoubleConsonant(String word) {
        int last = word.length() - 1;
        return last > 0 && word.charAt(last) == word.charAt(last - 1) && isConsonant(word, last);
    }

    /** Consonant, vowel, consonant other than w, x, y: -hop, -fil, where an e was lost. */
    private static boolean endsShort(String word, int end) {
        if (end < 3 || !isConsonant(word, end - 1) || isConsonant(word, end - 2) || !isConsonant(word, end - 3)) {
            return false;
        }
        char last = word.charAt(end - 1);
        return last != 'w' && last != 'x' && last != 'y';
    }
}
