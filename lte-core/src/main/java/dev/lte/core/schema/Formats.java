package dev.lte.core.schema;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Formats of strings as patterns: whatever matches is of the format. Where a format has forms that only other checks than a
 * regular expression can tell apart, the pattern takes a part of it: times without leap seconds, mail addresses without
 * quotes, host names in ASCII.
 */
final class Formats {
    private static final String LEAP_YEAR =
            "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)";
    private static final String DATE = "(?:" + "(?:[1-9]\\d{3}|0[1-9]\\d\\d|00[1-9]\\d|000[1-9])-(?:"
            + "(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))"
            + "|" + LEAP_YEAR + "-02-29)";
    private static final String TIME =
            "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:0\\d|1[0-7]):[0-5]\\d)";
    private static final String OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
    private static final String LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?";
    /** Labels of at most 32 characters, of which one has a letter, so that it is no address. */
    private static final String HOST = "(?:" + LABEL + "\\.){0,3}[a-zA-Z](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?";

    private static final String URI_CHARACTER = "(?:[a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})";

    private static final Map<String, String> PATTERNS = Map.ofEntries(
            Map.entry("date", DATE),
            Map.entry("time", TIME),
            Map.entry("date-time", DATE + "T" + TIME),
            Map.entry("uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
            Map.entry("ipv4", OCTET + "(?:\\." + OCTET + "){3}"),
            Map.entry("ipv6", ipv6()),
            Map.entry("hostname", HOST),
            Map.entry(
                    "email",
                    "[a-zA-Z0-9_+-]{1,32}(?:\\.[a-zA-Z0-9_+-]{1,15}){0,2}@(?:" + LABEL + "\\.){1,3}[a-zA-Z]{2,24}"),
            Map.entry(
                    "uri",
                    "[a-zA-Z][a-zA-Z0-9]{0,15}://" + HOST + "(?::[1-9]\\d{0,3})?(?:/" + URI_CHARACTER + "*)*(?:\\?(?:"
                            + URI_CHARACTER + "|[/?])*)?(?:#(?:" + URI_CHARACTER + "|[/?])*)?"),
            Map.entry("duration", duration()));

    private Formats() {}

    /** The pattern of a format, or null for one that is not known. */
    static @Nullable String pattern(String format) {
        return PATTERNS.get(format);
    }

    static String names() {
        return String.join(", ", PATTERNS.keySet().stream().sorted().toList());
    }

    /** Eight groups, or fewer around one {@code ::}. */
    private static String ipv6() {
        String group = "[0-9a-fA-F]{1,4}";
        StringBuilder forms = new StringBuilder("(?:" + group + ":){7}" + group);
        for (int left = 0; left <= 7; left++) {
            String before = left == 0 ? "" : group + "(?::" + group + "){" + (left - 1) + "}";
            int right = 7 - left;
            String after = right == 0 ? "" : "(?:" + group + "(?::" + group + "){0," + (right - 1) + "})?";
            forms.append('|').append(before).append("::").append(after);
        }
        return "(?:" + forms + ")";
    }

    /** ISO 8601 as in RFC 3339, appendix A: units descend and none is left out between two. */
    private static String duration() {
        String n = "\\d{1,6}";
        String time = "T(?:" + n + "H(?:" + n + "M(?:" + n + "S)?)?|" + n + "M(?:" + n + "S)?|" + n + "S)";
        String date = "(?:" + n + "D|" + n + "M(?:" + n + "D)?|" + n + "Y(?:" + n + "M(?:" + n + "D)?)?)";
        return "P(?:" + date + "(?:" + time + ")?|" + time + "|" + n + "W)";
    }
}
