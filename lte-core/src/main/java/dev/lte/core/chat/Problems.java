package dev.lte.core.chat;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;

/** The two ways in which a template is refused while it is read. */
final class Problems {
    private static final String REMEDY = "use a model with another chat template or pass a template of your own";

    private Problems() {}

    static ModelFormatException syntax(int line, String expected, String found) {
        return new ModelFormatException(
                null, "chat template line " + line, ModelFormatException.NO_OFFSET, expected, cut(found), REMEDY);
    }

    static UnsupportedModelException unsupported(int line, String construct) {
        return new UnsupportedModelException(
                "chat template line " + line + ": " + cut(construct) + " is not supported", REMEDY);
    }

    /** Text of a template as part of a message. */
    static String cut(String text) {
        return text.length() > 200 ? text.substring(0, 200) + "..." : text;
    }
}
