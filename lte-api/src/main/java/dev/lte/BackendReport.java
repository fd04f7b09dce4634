package dev.lte;

import dev.lte.backend.Availability;

/**
 * One backend provider as seen from here.
 *
 * @param name what to pass to {@link LoadOptions.Builder#backend}
 * @param priority automatic selection takes the highest that is available
 * @param availability device, or reason and remedy
 */
public record BackendReport(String name, int priority, Availability availability) {
    /** One line for people. */
    @Override
    public String toString() {
        return switch (availability) {
            case Availability.Available a -> name + ": available, " + a.device().description();
            case Availability.Unavailable u -> name + ": unavailable, " + u.reason() + "; " + u.remedy();
        };
    }
}
