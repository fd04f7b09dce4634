package dev.lte;

/** The engine cannot take the request now: its queue is full or a subscriber stalled too long. */
public final class CapacityException extends LteException {
    private static final long serialVersionUID = 1L;

    public CapacityException(String message, String remedy) {
        super(message, remedy);
    }
}
