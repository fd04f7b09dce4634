package dev.lte.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts Java as users do, with and without the flag of the Vector API, on the class path and on the module path. */
class LaunchTest {
    private static final String VECTOR = "jdk.incubator.vector";
    private static final List<String> STORY = List.of("generate", "--max-tokens", "8", "--temperature", "0", "--json");

    @TempDir
    private Path folder;

    private record Launch(int exitCode, String out, String err) {}

    private static List<String> classPath() {
        return Arrays.asList(System.getProperty("java.class.path").split(File.pathSeparator));
    }

    private Launch java(List<String> options, List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-D" + ModelOptions.MODELS_PROPERTY + "=" + System.getProperty(ModelOptions.MODELS_PROPERTY));
        command.addAll(options);
        command.add("dev.lte.examples.cli.LteCommand");
        command.addAll(arguments);
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ended in time").isTrue();
        return new Launch(
                process.exitValue(),
                Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }

    private Launch onClassPath(List<String> flags, List<String> arguments) throws IOException, InterruptedException {
        List<String> options = new ArrayList<>(flags);
        options.add("-cp");
        options.add(String.join(File.pathSeparator, classPath()));
        return java(options, arguments);
    }

    @Test
    void theFlagGivesVectors() throws IOException, InterruptedException {
        Launch launch = onClassPath(List.of("--add-modules", VECTOR), STORY);

        assertThat(launch.exitCode()).as(launch.err()).isZero();
        assertThat(launch.out()).contains("\"backend\":\"cpu\"");
    }

    @Test
    void withoutTheFlagTheSlowBackendRunsAndOneWarningNamesTheFlag() throws IOException, InterruptedException {
        Launch launch = onClassPath(List.of(), STORY);

        assertThat(launch.exitCode()).as(launch.err()).isZero();
        assertThat(launch.out()).contains("\"backend\":\"reference\"");
        assertThat(launch.err().lines().filter(line -> line.contains("--add-modules " + VECTOR)))
                .as(launch.err())
                .hasSize(1);
    }

    @Test
    void aForcedBackendWithoutItsFlagFailsWithEveryReason() throws IOException, InterruptedException {
        List<String> forced = new ArrayList<>(STORY);
        forced.addAll(List.of("--backend", "cpu"));

        Launch launch = onClassPath(List.of(), forced);

        assertThat(launch.exitCode()).isEqualTo(LteCommand.FAILED);
        assertThat(launch.out()).isEmpty();
        assertThat(launch.err())
                .contains(
                        "backend cpu cannot be used here", "--add-modules " + VECTOR, "reference: available", "cuda: ");
    }

    @Test
    void onTheModulePathRequiringTheBackendIsEnough() throws IOException, InterruptedException {
        List<String> modules = new ArrayList<>();
        List<String> classes = new ArrayList<>();
        for (String entry : classPath()) {
            boolean own = entry.contains("cli" + File.separator + "target") || entry.contains("test-classes");
            boolean testing = entry.contains("junit") || entry.contains("assertj") || entry.contains("surefire");
            (own || testing || entry.contains("picocli") ? classes : modules).add(entry);
        }
        // What `requires dev.lte.cpu` does in an application's descriptor.
        Launch launch = java(
                List.of(
                        "--module-path",
                        String.join(File.pathSeparator, modules),
                        "--add-modules",
                        "dev.lte.core,dev.lte.cpu,tools.jackson.databind",
                        "-cp",
                        String.join(File.pathSeparator, classes)),
                STORY);

        assertThat(launch.exitCode()).as(launch.err()).isZero();
        assertThat(launch.out()).contains("\"backend\":\"cpu\"");
    }
}
