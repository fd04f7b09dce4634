package dev.lte.examples.cli;

import dev.lte.InvalidRequestException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * A suite of runs that are compared: the file of {@code lte experiment}.
 *
 * @param about one line for the table
 * @param task of {@code lte eval}
 * @param data the file that runs are judged on
 * @param calibration the file that baselines are calibrated on; null for the text that is built in
 * @param expertSize neurons of an expert of baselines; null for the default of {@code lte eval}
 * @param seeds each run is made with
 * @param runs what is trained
 * @param baselines what is made of a dense run without training it again
 * @param dials runs that are judged at several thresholds
 */
record Experiment(
        String about,
        String task,
        String data,
        @Nullable String calibration,
        @Nullable Integer expertSize,
        List<Long> seeds,
        List<Run> runs,
        List<Baseline> baselines,
        List<Dial> dials) {
    private static final Pattern LABEL = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");

    private static final YAMLMapper MAPPER = YAMLMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();

    Experiment {
        about = about == null ? "" : about;
        seeds = seeds == null || seeds.isEmpty() ? List.of(0L) : List.copyOf(seeds);
        runs = runs == null ? List.of() : List.copyOf(runs);
        baselines = baselines == null ? List.of() : List.copyOf(baselines);
        dials = dials == null ? List.of() : List.copyOf(dials);
    }

    /**
     * A line of the table.
     *
     * @param train configuration of {@code lte train}, beside the suite's file
     * @param set assignments to it, as after {@code --set}
     */
    record Run(String label, String train, List<String> set) {
        Run {
            set = set == null ? List.of() : List.copyOf(set);
        }
    }

    /**
     * @param of label of a dense run
     * @param routing method of {@code lte eval}
     */
    record Baseline(String of, String routing, List<Double> sparsities) {}

    /** @param of label of a routed run */
    record Dial(String of, List<Double> thresholds) {}

    /** @throws InvalidRequestException that says what is wrong with it */
    static Experiment read(Path file) {
        Experiment experiment;
        try {
            experiment = MAPPER.readValue(Files.readString(file), Experiment.class);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        } catch (JacksonException e) {
            String reason =
                    String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
            throw new InvalidRequestException("experiment " + file, "a suite of runs in YAML", reason);
        }
        experiment.check(file);
        return experiment;
    }

    private void check(Path file) {
        require(task != null && data != null, file, "a task and data", "none");
        require(!runs.isEmpty(), file, "at least one run", "none");
        Set<String> labels = new HashSet<>();
        for (Run run : runs) {
            require(
                    run.label != null && LABEL.matcher(run.label).matches() && labels.add(run.label),
                    file,
                    "labels of letters, digits, '.', '_' and '-', each once",
                    run.label);
            require(run.train != null, file, "a configuration for run " + run.label, "none");
        }
        for (Baseline baseline : baselines) {
            require(labels.contains(String.valueOf(baseline.of)), file, "a baseline of one of " + labels, baseline.of);
            require(
                    baseline.routing != null && baseline.sparsities != null,
                    file,
                    "routing and sparsities of each baseline",
                    baseline);
        }
        for (Dial dial : dials) {
            require(labels.contains(String.valueOf(dial.of)), file, "a dial of one of " + labels, dial.of);
            require(dial.thresholds != null, file, "thresholds of each dial", dial);
        }
    }

    private static void require(boolean met, Path file, String expected, @Nullable Object found) {
        if (!met) {
            throw new InvalidRequestException("experiment " + file, expected, String.valueOf(found));
        }
    }
}
