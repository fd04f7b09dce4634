package dev.lte.core.conversation;

import dev.lte.core.token.VocabularyTokenizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Keeps what people write from becoming control tokens. A chat template writes control tokens as text, and a message may contain
 * the same text: before a template sees a message, such texts are guarded by a character that no text has (a Unicode
 * noncharacter); behind the template, the guarded ones are encoded as plain text, and all others as tokens.
 */
final class SpecialTexts {
    private static final char GUARD = '\uFDD0';

    private final VocabularyTokenizer tokenizer;
    private final List<String> specials;
    private final String firstCharacters;

    SpecialTexts(VocabularyTokenizer tokenizer) {
        this.tokenizer = tokenizer;
        List<String> found = new ArrayList<>();
        for (int id = 0; id < tokenizer.size(); id++) {
            if (tokenizer.isSpecial(id) && tokenizer.piece(id).length() > 1) {
                found.add(tokenizer.piece(id));
            }
        }
        found.sort(Comparator.comparingInt(String::length).reversed());
        specials = List.copyOf(found);
        firstCharacters =
                found.stream().map(text -> text.substring(0, 1)).distinct().collect(Collectors.joining());
    }

    /** A text in which no control token can be found. */
    String guard(String text) {
        String clean = text.indexOf(GUARD) < 0 ? text : text.replace(String.valueOf(GUARD), "");
        StringBuilder guarded = new StringBuilder();
        int from = 0;
        for (int i = 0; i < clean.length(); i++) {
            String special = at(clean, i);
            if (!special.isEmpty()) {
                guarded.append(clean, from, i + 1).append(GUARD);
                from = i + 1;
            }
        }
        return from == 0 ? clean : guarded.append(clean, from, clean.length()).toString();
    }

    private String at(String text, int from) {
        if (from >= text.length() || firstCharacters.indexOf(text.charAt(from)) < 0) {
            return "";
        }
        for (int i = 0; i < specials.size(); i++) {
            if (text.startsWith(specials.get(i), from)) {
                return specials.get(i);
            }
        }
        return "";
    }

    /** The tokens of a prompt with guarded parts. */
    int[] encode(String prompt) {
        if (prompt.indexOf(GUARD) < 0) {
            return tokenizer.encode(prompt, false, true);
        }
        List<int[]> parts = new ArrayList<>();
        int from = 0;
        for (int at = prompt.indexOf(GUARD); at >= 0; at = prompt.indexOf(GUARD, from)) {
            int begin = Math.max(from, at - 1);
            parts.add(tokenizer.encode(prompt.substring(from, begin), false, true));
            String plain =
                    prompt.substring(begin, at) + prompt.substring(at + 1).replace(String.valueOf(GUARD), "");
            String special = at(plain, 0);
            int end = at + 1;
            int left = Math.max(0, special.length() - (at - begin));
            while (left > 0 && end < prompt.length()) {
                left -= prompt.charAt(end++) == GUARD ? 0 : 1;
            }
            parts.add(tokenizer.encode(prompt.substring(begin, end).replace(String.valueOf(GUARD), ""), false, false));
            from = end;
        }
        parts.add(tokenizer.encode(prompt.substring(from), false, true));
        int[] ids = new int[parts.stream().mapToInt(part -> part.length).sum()];
        int size = 0;
        for (int[] part : parts) {
            System.arraycopy(part, 0, ids, size, part.length);
            size += part.length;
        }
        return ids;
    }
}
