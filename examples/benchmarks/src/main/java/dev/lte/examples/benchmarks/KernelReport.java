package dev.lte.examples.benchmarks;

import dev.lte.backend.DType;
import java.util.Collection;
import java.util.Locale;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs {@link KernelBenchmark} between two measurements of the read bandwidth and prints, for kernels whose time goes into
 * weights, bytes and multiply-adds a second. Takes the arguments of JMH, such as {@code -p type=Q8_0 -p rows=1 linear}.
 */
public final class KernelReport {
    private KernelReport() {}

    public static void main(String[] arguments) throws RunnerException, CommandLineOptionException {
        int threads = Runtime.getRuntime().availableProcessors();
        double before = ReadBandwidth.measure(threads);
        CommandLineOptions given = new CommandLineOptions(arguments);
        ChainedOptionsBuilder options = new OptionsBuilder().parent(given);
        if (given.getIncludes().isEmpty()) {
            options.include(KernelBenchmark.class.getSimpleName());
        }
        Collection<RunResult> results = new Runner(options.build()).run();
        double bandwidth = Math.max(before, ReadBandwidth.measure(threads));
        System.out.printf(Locale.ROOT, "read bandwidth of %d threads: %.1f GB/s%n", threads, bandwidth / 1e9);
        System.out.printf(
                Locale.ROOT,
                "%-10s %-5s %5s %12s %8s %8s %9s%n",
                "kernel",
                "type",
                "rows",
                "us",
                "GB/s",
                "share",
                "GMAC/s");
        for (RunResult result : results) {
            print(result, bandwidth);
        }
    }

    private static void print(RunResult result, double bandwidth) {
        String name = result.getParams().getBenchmark();
        String kernel = name.substring(name.lastIndexOf('.') + 1);
        DType type = DType.valueOf(result.getParams().getParam("type"));
        int rows = Integer.parseInt(result.getParams().getParam("rows"));
        double micros = result.getPrimaryResult().getScore();
        double weights = weights(kernel);
        double bytes = weights / type.blockSize() * type.blockBytes() / (micros * 1e-6);
        double products = weights * rows / (micros * 1e-6);
        if (weights == 0) {
            System.out.printf(Locale.ROOT, "%-10s %-5s %5d %12.1f%n", kernel, type, rows, micros);
        } else {
            System.out.printf(
                    Locale.ROOT,
                    "%-10s %-5s %5d %12.1f %8.1f %7.0f%% %9.1f%n",
                    kernel,
                    type,
                    rows,
                    micros,
                    bytes / 1e9,
                    100 * bytes / bandwidth,
                    products / 1e9);
        }
    }

    /** Weights of the type under test that one row needs. */
    private static double weights(String kernel) {
        double matrix = (double) LayerKernels.MODEL * LayerKernels.NEURONS;
        return switch (kernel) {
            case "linear" -> matrix;
            case "denseFfn" -> 3 * matrix;
            case "sparseFfn" -> 1.5 * matrix;
            default -> 0;
        };
    }
}
