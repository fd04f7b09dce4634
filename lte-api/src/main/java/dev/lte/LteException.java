package dev.lte;

/**
 * Root of everything LTE throws for reasons outside the program: files, devices, requests. The message says what was
 * expected and found; {@link #remedy()} says what to do about it.
 */
public abstract class LteException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String remedy;

    protected LteException(String message, String remedy) {
        super(message + "; " + remedy);
        this.remedy = remedy;
    }

    protected LteException(String message, String remedy, Throwable cause) {
        super(message + "; " + remedy, cause);
        this.remedy = remedy;
    }

    /** What the user can do. */
    public final String remedy() {
        return remedy;
    }
}
