package dev.lte.backend;

/**
 * The service through which backends are found ({@link java.util.ServiceLoader}). A provider class must load and probe on
 * every machine: it names no type of an optional module or native library in fields, signatures or static initialisers.
 */
public interface BackendProvider {
    /** The name that users choose it by, such as {@code cpu}. */
    String name();

    /** Automatic selection takes the available provider with the highest priority. Reference 0, cpu 100, cuda 200. */
    int priority();

    /** Looks whether {@link #open} can work. Never throws, prints nothing, leaves nothing behind. */
    Availability probe();

    /**
     * Opens the backend.
     *
     * @throws dev.lte.BackendUnavailableException if it is unavailable after all
     */
    Backend open(BackendOptions options);
}
