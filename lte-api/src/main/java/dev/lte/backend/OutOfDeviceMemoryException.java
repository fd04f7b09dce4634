package dev.lte.backend;

import dev.lte.LteException;

/** An allocation did not fit a backend's memory. */
public final class OutOfDeviceMemoryException extends LteException {
    private static final long serialVersionUID = 1L;

    private final long needed;
    private final long available;

    /**
     * @param what what was being allocated
     * @param needed bytes
     * @param available bytes
     */
    public OutOfDeviceMemoryException(String what, long needed, long available) {
        super(
                what + " needs " + needed + " bytes, " + available + " are available",
                "use a smaller context length, a smaller weight type, or a device with more memory");
        this.needed = needed;
        this.available = available;
    }

    public long needed() {
        return needed;
    }

    public long available() {
        return available;
    }
}
