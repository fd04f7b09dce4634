package dev.lte.core;

import dev.lte.BackendReport;
import dev.lte.BackendUnavailableException;
import dev.lte.backend.Availability;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/**
 * Finds backends as services and opens one: the one that was named, or the available one of highest priority. A choice is
 * explained in one line of the log; a faster backend that only lacks a flag is worth a warning.
 */
final class BackendSelector {
    private static final System.Logger LOG = System.getLogger(BackendSelector.class.getName());
    private static final String AUTO = "auto";
    private static final String SLOWEST = "reference";
    private static final String MISSING =
            "dev.lte:lte-cpu to the application; if it is one jar merged from several, their META-INF/services must be merged too";

    private record Candidate(BackendProvider provider, BackendReport report) {}

    private BackendSelector() {}

    /** All providers, best first. */
    static List<BackendReport> reports() {
        return candidates().stream().map(Candidate::report).toList();
    }

    /**
     * Opens a backend.
     *
     * @param name a provider's name or {@code auto}
     * @throws BackendUnavailableException if there is none of that name, or it cannot be used
     */
    static Backend open(String name, BackendOptions options) {
        List<Candidate> candidates = candidates();
        List<BackendReport> reports = candidates.stream().map(Candidate::report).toList();
        for (Candidate candidate : candidates) {
            boolean named = candidate.provider().name().equals(name);
            if (!named && !name.equals(AUTO)) {
                continue;
            }
            switch (candidate.report().availability()) {
                case Availability.Available available -> {
                    explain(available, candidate, reports, named);
                    return candidate.provider().open(options);
                }
                case Availability.Unavailable unavailable -> {
                    if (named) {
                        throw new BackendUnavailableException(
                                "backend " + name + " cannot be used here: " + unavailable.reason() + " ("
                                        + list(reports) + ")",
                                unavailable.remedy(),
                                reports);
                    }
                }
            }
        }
        if (name.equals(AUTO)) {
            throw new BackendUnavailableException(
                    "no backend can be used here (" + list(reports) + ")", "add " + MISSING, reports);
        }
        throw new BackendUnavailableException(
                "there is no backend " + name + " (" + list(reports) + ")",
                "name one of these, or add the module that brings it to the class path or module path",
                reports);
    }

    private static void explain(
            Availability.Available available, Candidate chosen, List<BackendReport> reports, boolean named) {
        String name = chosen.provider().name();
        List<BackendReport> better = reports.stream()
                .filter(report -> report.priority() > chosen.report().priority())
                .toList();
        LOG.log(
                Level.INFO,
                "using backend {0} ({1}){2}",
                name,
                available.device().description(),
                named ? ", as asked for" : better.isEmpty() ? ", the best" : "; not " + list(better));
        if (!named && reports.size() == 1 && name.equals(SLOWEST)) {
            LOG.log(Level.WARNING, "only the backend {0} is there, which is slow; add {1}", name, MISSING);
        }
        for (BackendReport report : better) {
            if (!named
                    && report.availability() instanceof Availability.Unavailable unavailable
                    && !unavailable.ordinary()) {
                LOG.log(
                        Level.WARNING,
                        "backend {0} is used instead of the faster {1}: {2}; {3}",
                        name,
                        report.name(),
                        unavailable.reason(),
                        unavailable.remedy());
            }
        }
    }

    private static String list(List<BackendReport> reports) {
        return reports.stream().map(BackendReport::toString).collect(Collectors.joining("; "));
    }

    private static List<Candidate> candidates() {
        List<Candidate> candidates = new ArrayList<>();
        Iterator<BackendProvider> providers = ServiceLoader.load(
                        BackendProvider.class, BackendSelector.class.getClassLoader())
                .iterator();
        while (true) {
            BackendProvider provider;
            try {
                if (!providers.hasNext()) {
                    break;
                }
                provider = providers.next();
            } catch (ServiceConfigurationError e) {
                // One broken jar must not hide the others; the loader goes on behind it.
                LOG.log(Level.WARNING, "a backend provider cannot be loaded and is left out", e);
                continue;
            }
            candidates.add(
                    new Candidate(provider, new BackendReport(provider.name(), provider.priority(), provider.probe())));
        }
        candidates.sort(Comparator.comparingInt(
                        (Candidate candidate) -> candidate.report().priority())
                .reversed());
        return candidates;
    }
}
