package dev.lte.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Only the subcommand that is asked for is looked through, and it is the same as among the others. */
class SubcommandsTest {
    private static Set<String> subcommands(String... args) {
        return LteCommand.commandLine(args).getSubcommands().keySet();
    }

    @Test
    void findsTheOneThatTheArgumentsName() {
        assertThat(subcommands("backends")).containsExactly("backends");
        assertThat(subcommands("--verbose", "generate", "--prompt", "chat")).containsExactly("generate");
    }

    @Test
    void knowsAllIfNoneIsNamed() {
        Set<String> all = LteCommand.commandLine().getSubcommands().keySet();
        assertThat(all).contains("generate", "chat", "bench", "plot");
        assertThat(subcommands("--help")).isEqualTo(all);
        assertThat(subcommands("generat")).isEqualTo(all);
    }

    @Test
    void givesItTheOptionsOfAll() {
        CommandLine alone =
                LteCommand.commandLine(new String[] {"synth"}).getSubcommands().get("synth");
        CommandLine amongAll = LteCommand.commandLine().getSubcommands().get("synth");
        assertThat(alone.getUsageMessage())
                .isEqualTo(amongAll.getUsageMessage())
                .contains("--verbose", "--debug", "--help");
        assertThat(alone.isCaseInsensitiveEnumValuesAllowed()).isTrue();
    }
}
