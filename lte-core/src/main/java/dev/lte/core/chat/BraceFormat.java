package dev.lte.core.chat;

import org.jspecify.annotations.Nullable;

/** {@code str.format} with plain fields: {@code {}}, {@code {0}} and {@code {name}}. */
record BraceFormat(Py py) {
    String format(String template, Arguments arguments) {
        py.budget().text(template.length());
        StringBuilder out = new StringBuilder();
        int automatic = 0;
        for (int i = 0; i < template.length(); i++) {
            char c = template.charAt(i);
            if (c != '{' && c != '}') {
                out.append(c);
            } else if (i + 1 < template.length() && template.charAt(i + 1) == c) {
                out.append(c);
                i++;
            } else if (c == '}') {
                throw PyError.invalid("Single '}' encountered in format string");
            } else {
                int end = template.indexOf('}', i);
                if (end < 0) {
                    throw PyError.invalid("expected '}' before end of string");
                }
                String field = template.substring(i + 1, end);
                String value = py.str(value(field.isEmpty() ? "" + automatic++ : field, arguments));
                py.budget().text(value.length());
                py.budget().check(out);
                out.append(value);
                i = end;
            }
        }
        return out.toString();
    }

    private static @Nullable Object value(String field, Arguments arguments) {
        if (field.chars().allMatch(c -> c >= '0' && c <= '9') && field.length() < 9) {
            int index = Integer.parseInt(field);
            if (index >= arguments.positional().size()) {
                throw PyError.invalid("no argument " + index + " for the format string");
            }
            return arguments.positional().get(index);
        }
        if (!field.chars().allMatch(c -> c == '_' || Character.isLetterOrDigit(c))) {
            throw PyError.unsupported("the format field {" + field + "}");
        }
        if (!arguments.named().containsKey(field)) {
            throw PyError.invalid("no argument '" + field + "' for the format string");
        }
        return arguments.named().get(field);
    }
}
