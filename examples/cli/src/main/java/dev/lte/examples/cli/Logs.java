package dev.lte.examples.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.logging.LogManager;

/** Logging of the command: warnings always, what LTE chose and why only if asked for; one line each, on standard error. */
final class Logs {
    private Logs() {}

    static void configure(boolean verbose) {
        String configuration = """
                handlers = java.util.logging.ConsoleHandler
                .level = WARNING
                dev.lte.level = %s
                java.util.logging.ConsoleHandler.level = ALL
                java.util.logging.ConsoleHandler.formatter = java.util.logging.SimpleFormatter
                java.util.logging.SimpleFormatter.format = %%4$s: %%5$s%%6$s%%n
                """.formatted(verbose ? "INFO" : "WARNING");
        try {
            LogManager.getLogManager()
                    .readConfiguration(new ByteArrayInputStream(configuration.getBytes(StandardCharsets.ISO_8859_1)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
