package dev.lte.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Options are checked before any work: wrong ones end with exit code 2 and say what was expected. */
class OptionsTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "generate --max-tokens 0",
                "generate --temperature -1",
                "generate --top-k -1",
                "generate --top-p 0",
                "generate --min-p 1",
                "generate --repetition-penalty 3",
                "generate --threshold 1.5",
                "generate --threshold 0.5 --dense",
                "generate --prompt a --ids 1",
                "generate --threads -1",
                "generate --no-such-option",
                "generate --cache-type q4_0",
                "classify text --cache-type q8_0",
                "generate --model no/such/file",
                "logits",
                "classify a b c --pairs",
                "classify",
                "logits --ids 1 --threshold 0.5 --dense",
                "bench --generate-tokens 1",
                "bench --prompt-tokens 0",
                "bench --repeat 0",
                "bench --threshold 0.5 --dense",
                "convert no-such-file out.gguf",
                "convert pom.xml out.gguf --type q3",
                "convert pom.xml pom.xml",
                "synth --shape tinyllama-1.1b",
                "synth --shape tinyllama-1.1b --out x.gguf --ffn-sparsity -1",
                "synth --shape tinyllama-1.1b --out x.gguf --ffn-sparsity 1",
                "tokenize",
                "tokenize text --decode 1",
                "tokenize --decode 1 --no-special",
                "no-such-command"
            })
    void rejects(String commandLine) {
        Run run = Run.lte(commandLine.split(" "));

        assertThat(run.exitCode()).as(run.err()).isEqualTo(LteCommand.WRONG_OPTIONS);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("lte: ").doesNotContain("Exception");
    }

    @Test
    void helpNamesEverySubCommand() {
        Run run = Run.lte("--help");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains(
                        "generate", "info", "backends", "tokenize", "logits", "classify", "convert", "synth", "bench");
    }

    @Test
    void convertReplacesAFileOnlyIfForced(@TempDir Path folder) throws IOException {
        Path target = Files.writeString(folder.resolve("precious.gguf"), "precious");

        Run run = Run.lte("convert", "pom.xml", target.toString());

        assertThat(run.exitCode()).isEqualTo(LteCommand.WRONG_OPTIONS);
        assertThat(run.err()).contains("--force");
        assertThat(target).hasContent("precious");
    }
}
