package dev.lte.core.chat;

/** What would be a Python exception during rendering; becomes a typed exception with a line at the door. */
final class PyError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    enum Kind {
        /** The template called {@code raise_exception}. */
        RAISED,
        /** The reference raises an error here too: wrong type, undefined value, division by zero. */
        INVALID,
        /** The reference may go on, this implementation cannot. */
        UNSUPPORTED,
        /** A limit against hostile templates. */
        LIMIT
    }

    private final Kind kind;

    private PyError(Kind kind, String message) {
        super(message, null, false, false);
        this.kind = kind;
    }

    Kind kind() {
        return kind;
    }

    static PyError raised(String message) {
        return new PyError(Kind.RAISED, message);
    }

    static PyError invalid(String message) {
        return new PyError(Kind.INVALID, message);
    }

    static PyError unsupported(String construct) {
        return new PyError(Kind.UNSUPPORTED, construct);
    }

    static PyError limit(String message) {
        return new PyError(Kind.LIMIT, message);
    }
}
