package dev.lte;

import java.util.List;

/** The backend asked for cannot be used here. The message lists every provider with its reason. */
public final class BackendUnavailableException extends LteException {
    private static final long serialVersionUID = 1L;

    private final transient List<BackendReport> reports;

    public BackendUnavailableException(String message, String remedy, List<BackendReport> reports) {
        super(message, remedy);
        this.reports = List.copyOf(reports);
    }

    /** Every provider that was found, available or not. */
    public List<BackendReport> reports() {
        return reports;
    }
}
