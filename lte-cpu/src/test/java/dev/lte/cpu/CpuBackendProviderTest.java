package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.BackendUnavailableException;
import dev.lte.backend.Availability;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class CpuBackendProviderTest {
    /** Run in a JVM of its own. */
    static final class Probe {
        private Probe() {}

        public static void main(String[] arguments) {
            for (BackendProvider provider : ServiceLoader.load(BackendProvider.class)) {
                if (provider.name().equals("cpu")) {
                    System.out.println(provider.probe());
                    try {
                        provider.open(BackendOptions.defaults()).close();
                        System.out.println("opened");
                    } catch (BackendUnavailableException e) {
                        System.out.println(e.getMessage());
                    }
                }
            }
        }
    }

    @Test
    void isFoundAsAServiceAndAvailableWithTheModule() {
        BackendProvider provider = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(found -> found.name().equals("cpu"))
                .findFirst()
                .orElseThrow();
        assertThat(provider.priority()).isEqualTo(100);
        assertThat(provider.probe()).isInstanceOfSatisfying(Availability.Available.class, available -> {
            assertThat(available.device().description()).matches("\\d+-bit vectors, \\d+ threads?");
            assertThat(available.device().threads())
                    .isEqualTo(Runtime.getRuntime().availableProcessors());
            assertThat(available.device().memoryBytes()).isPositive();
        });
    }

    @Test
    void saysWhatIsMissingAndWhatToDoWithoutTheModule() throws IOException, InterruptedException {
        String output = runProbe(List.of());
        assertThat(output)
                .contains("reason=module jdk.incubator.vector is not readable")
                .contains("remedy=start java with --add-modules jdk.incubator.vector")
                .contains("ordinary=false")
                .contains("backend cpu: module jdk.incubator.vector is not readable")
                .doesNotContain("opened");
    }

    @Test
    void opensInAnotherJvmWithTheModule() throws IOException, InterruptedException {
        assertThat(runProbe(List.of("--add-modules", "jdk.incubator.vector")))
                .contains("Available[")
                .contains("opened");
    }

    private static String runProbe(List<String> options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(System.getProperty("java.home") + "/bin/java");
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Probe.class.getName()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return output;
    }
}
