package dev.lte.core.chat;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** {@code datetime.now().strftime(format)} in the C locale, with the time of a given clock. */
record Strftime(Clock clock) {
    private static final int MAX_LENGTH = 1_000;

    String format(String format) {
        if (format.length() > MAX_LENGTH) {
            throw PyError.limit("a time format of more than " + MAX_LENGTH + " characters");
        }
        ZonedDateTime now = ZonedDateTime.now(clock);
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            boolean unpadded = format.startsWith("-", i + 1);
            i += unpadded ? 2 : 1;
            char directive = i < format.length() ? format.charAt(i) : ' ';
            String text = directive(directive, now);
            out.append(unpadded ? stripped(text, directive) : text);
        }
        return out.toString();
    }

    private static String stripped(String text, char directive) {
        if ("dmyHIMSj".indexOf(directive) < 0) {
            throw PyError.unsupported("the time format %-" + directive);
        }
        return text.replaceFirst("^0+(?=.)", "");
    }

    private static String directive(char directive, ZonedDateTime now) {
        String pattern = switch (directive) {
            case 'Y' -> "uuuu";
            case 'y' -> "uu";
            case 'm' -> "MM";
            case 'd' -> "dd";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'f' -> "SSSSSS";
            case 'p' -> "a";
            case 'B' -> "MMMM";
            case 'b', 'h' -> "MMM";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'j' -> "DDD";
            case 'F' -> "uuuu-MM-dd";
            case 'T', 'X' -> "HH:mm:ss";
            case 'D', 'x' -> "MM/dd/uu";
            case 'R' -> "HH:mm";
            case 'e' -> "ppd";
            case 'c' -> "EEE MMM ppd HH:mm:ss uuuu";
            case 'w' -> Integer.toString(now.getDayOfWeek().getValue() % 7);
            case 'u' -> Integer.toString(now.getDayOfWeek().getValue());
            case '%' -> "'%'";
            case 'n' -> "'\n'";
            case 't' -> "'\t'";
            default -> throw PyError.unsupported("the time format %" + directive);
        };
        return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now);
    }
}
