package dev.lte.examples.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.lte.BackendReport;
import dev.lte.Lte;
import dev.lte.backend.Availability;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows every backend: what it would run on, or why it cannot run here and what to do. */
@Command(name = "backends", description = "Shows every backend: its device, or why it cannot be used and what to do.")
final class BackendsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @JsonInclude(JsonInclude.Include.NON_NULL)
    private record Entry(
            String name,
            int priority,
            boolean available,
            @Nullable String device,
            @Nullable Integer threads,
            @Nullable Long memoryBytes,
            @Nullable String reason,
            @Nullable String remedy) {
        static Entry of(BackendReport report) {
            return switch (report.availability()) {
                case Availability.Available a ->
                    new Entry(
                            report.name(),
                            report.priority(),
                            true,
                            a.device().description(),
                            a.device().threads(),
                            a.device().memoryBytes(),
                            null,
                            null);
                case Availability.Unavailable u ->
                    new Entry(report.name(), report.priority(), false, null, null, null, u.reason(), u.remedy());
            };
        }
    }

    private record Result(List<Entry> backends) {}

    @Override
    public Integer call() {
        List<BackendReport> reports = Lte.backends();
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Json.print(out, new Result(reports.stream().map(Entry::of).toList()));
        } else {
            reports.forEach(out::println);
            out.flush();
        }
        return 0;
    }
}
