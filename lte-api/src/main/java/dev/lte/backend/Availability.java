package dev.lte.backend;

/** Whether a backend can be opened here, and if not, why and what to do. */
public sealed interface Availability {
    /** @param device what would be used */
    record Available(DeviceInfo device) implements Availability {}

    /**
     * @param reason what is missing, such as {@code "module jdk.incubator.vector is not readable"}
     * @param remedy what the user can do, such as {@code "start java with --add-modules jdk.incubator.vector"}
     * @param ordinary whether this is a normal state of many machines (no GPU) rather than something to be warned about
     */
    record Unavailable(String reason, String remedy, boolean ordinary) implements Availability {}
}
