package dev.lte.examples.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Starts the program in every package, with and without the flag of the Vector API. */
class PackagingTest {
    private static final String VECTOR = "jdk.incubator.vector";
    private static final String MAIN = "dev.lte.examples.packaging.PackagedStory";

    @TempDir
    private Path folder;

    private enum Packaging {
        CLASS_PATH,
        SHADED_JAR,
        BOOT_JAR,
        MODULE_PATH
    }

    private record Launch(int exitCode, List<String> out, String err) {}

    private static Path jar(String suffix) {
        return Path.of(Objects.requireNonNull(System.getProperty("lte.packaging.jars")) + suffix + ".jar");
    }

    /** The program's jar and those that it needs. */
    private static String jars() {
        List<String> entries = new ArrayList<>();
        entries.add(jar("").toString());
        Arrays.stream(Objects.requireNonNull(System.getProperty("java.class.path"))
                        .split(File.pathSeparator))
                .filter(entry -> !entry.contains("packaging" + File.separator + "target"))
                .filter(entry -> !entry.matches(".*(junit|assertj|surefire|byte-buddy|opentest4j|apiguardian).*"))
                .forEach(entries::add);
        return String.join(File.pathSeparator, entries);
    }

    private static List<String> options(Packaging packaging) {
        return switch (packaging) {
            case CLASS_PATH -> List.of("--enable-native-access=ALL-UNNAMED", "-cp", jars(), MAIN);
            case SHADED_JAR -> List.of("-jar", jar("-shaded").toString());
            case BOOT_JAR -> List.of("-jar", jar("-boot").toString());
            case MODULE_PATH -> List.of("--module-path", jars(), "--module", "dev.lte.examples.packaging/" + MAIN);
        };
    }

    private Launch java(List<String> flags, List<String> options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:+UseSerialGC");
        command.addAll(flags);
        command.addAll(options);
        command.add(Path.of(Objects.requireNonNull(System.getProperty("lte.examples.models")), "tinystories-656k.gguf")
                .toString());
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ended in time").isTrue();
        return new Launch(
                process.exitValue(),
                Files.readAllLines(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }

    private static void tellsTheStory(Launch launch, String backend) {
        assertThat(launch.exitCode()).as(launch.err()).isZero();
        assertThat(launch.out().getFirst()).as(launch.err()).isEqualTo(backend);
        assertThat(launch.out().get(1)).contains("named Lily");
    }

    @ParameterizedTest
    @EnumSource(names = "MODULE_PATH", mode = EnumSource.Mode.EXCLUDE)
    void theFlagGivesVectors(Packaging packaging) throws IOException, InterruptedException {
        tellsTheStory(java(List.of("--add-modules", VECTOR), options(packaging)), "cpu");
    }

    @ParameterizedTest
    @EnumSource(names = "MODULE_PATH", mode = EnumSource.Mode.EXCLUDE)
    void withoutTheFlagOneWarningNamesIt(Packaging packaging) throws IOException, InterruptedException {
        Launch launch = java(List.of(), options(packaging));

        tellsTheStory(launch, "reference");
        assertThat(launch.err()
                        .lines()
                        .filter(line -> line.startsWith("WARNING") && line.contains("--add-modules " + VECTOR)))
                .as(launch.err())
                .hasSize(1);
    }

    @Test
    void onTheModulePathNoFlagIsNeeded() throws IOException, InterruptedException {
        tellsTheStory(java(List.of(), options(Packaging.MODULE_PATH)), "cpu");
    }

    /** What a merged jar is whose tool let one list of providers replace the others. */
    @Test
    void aJarThatLostItsProvidersSaysWhatIsMissing() throws IOException, InterruptedException {
        Path damaged = Files.copy(jar("-shaded"), folder.resolve("damaged.jar"), StandardCopyOption.REPLACE_EXISTING);
        try (FileSystem files = FileSystems.newFileSystem(URI.create("jar:" + damaged.toUri()), Map.of())) {
            Files.writeString(
                    files.getPath("META-INF", "services", "dev.lte.backend.BackendProvider"),
                    "dev.lte.core.reference.ReferenceBackendProvider\n");
        }
        Launch launch = java(List.of("--add-modules", VECTOR), List.of("-jar", damaged.toString()));

        tellsTheStory(launch, "reference");
        assertThat(launch.err()).contains("dev.lte:lte-cpu", "META-INF/services");
    }
}
