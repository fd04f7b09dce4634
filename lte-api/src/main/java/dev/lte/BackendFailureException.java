package dev.lte;

import org.jspecify.annotations.Nullable;

/** A backend failed in the middle of its work, or computed what is no number. Streams that took part are over. */
public final class BackendFailureException extends LteException {
    private static final long serialVersionUID = 1L;

    public BackendFailureException(String message, String remedy, @Nullable Throwable cause) {
        super(message, remedy);
        if (cause != null) {
            initCause(cause);
        }
    }
}
