package dev.lte.examples.cli;

import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code lte} command. Exit codes: 0 done, 1 the work failed (the reason and what to do are on standard error),
 * 2 wrong options, 130 interrupted.
 */
@Command(
        name = "lte",
        description = "Runs language models that do less work for every token.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = LteCommand.Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        synopsisSubcommandLabel = "COMMAND")
final class LteCommand {
    static final int FAILED = 1;
    static final int WRONG_OPTIONS = 2;

    /** In the order of the help text. */
    private static final Map<String, Class<?>> COMMANDS = commands(
            GenerateCommand.class,
            ChatCommand.class,
            ServeCommand.class,
            InfoCommand.class,
            BackendsCommand.class,
            TokenizeCommand.class,
            LogitsCommand.class,
            ClassifyCommand.class,
            ConvertCommand.class,
            SynthCommand.class,
            BenchCommand.class,
            GroupCommand.class,
            TrainCommand.class,
            SparsifyCommand.class,
            EvalCommand.class,
            PlotCommand.class,
            ExperimentCommand.class);

    private boolean debug;

    @Option(
            names = "--verbose",
            scope = ScopeType.INHERIT,
            description = "Also log what was chosen and why, on standard error.")
    void setVerbose(boolean verbose) {
        Logs.configure(verbose);
    }

    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Print the stack trace of a failure.")
    void setDebug(boolean debug) {
        this.debug = debug;
    }

    /** Runs the command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        Logs.configure(false);
        // Text is UTF-8 whatever the locale says: models write characters that the C locale cannot.
        PrintWriter out = new PrintWriter(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        int exitCode = commandLine(args).setOut(out).execute(args);
        out.flush();
        System.exit(exitCode);
    }

    private static Map<String, Class<?>> commands(Class<?>... classes) {
        Map<String, Class<?>> commands = new LinkedHashMap<>();
        for (Class<?> command : classes) {
            commands.put(command.getAnnotation(Command.class).name(), command);
        }
        return commands;
    }

    /** The whole command with its error handling; tests give it other writers. */
    static CommandLine commandLine() {
        return commandLine(new String[0]);
    }

    /**
     * The command for these arguments: with the one subcommand that they name, or all. Looking through the options of a
     * subcommand takes longer than parsing the arguments does.
     */
    static CommandLine commandLine(String[] args) {
        LteCommand root = new LteCommand();
        CommandLine line = new CommandLine(root);
        Class<?> wanted = Arrays.stream(args)
                .filter(argument -> !argument.startsWith("-"))
                .findFirst()
                .<Class<?>>map(COMMANDS::get)
                .orElse(null);
        if (wanted == null) {
            COMMANDS.values().forEach(line::addSubcommand);
        } else {
            line.addSubcommand(wanted);
        }
        return line.setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(LteCommand::rejectOptions)
                .setExecutionExceptionHandler(root::report);
    }

    /** One line and where to read more, instead of picocli's whole usage text, in which the message is lost. */
    private static int rejectOptions(ParameterException failure, String[] args) {
        CommandLine command = failure.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("lte: " + failure.getMessage());
        UnmatchedArgumentException.printSuggestions(failure, err);
        err.println("See '" + command.getCommandSpec().qualifiedName() + " --help'.");
        err.flush();
        return WRONG_OPTIONS;
    }

    private int report(Exception failure, CommandLine command, ParseResult parsed) {
        PrintWriter err = command.getErr();
        if (debug) {
            failure.printStackTrace(err);
        } else if (failure instanceof LteException || failure instanceof UncheckedIOException) {
            err.println("lte: " + failure.getMessage());
        } else {
            err.println("lte: unexpected " + failure + "; run again with --debug to see where it came from");
        }
        err.flush();
        return failure instanceof InvalidRequestException ? WRONG_OPTIONS : FAILED;
    }

    /** The version in the jar's manifest. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = LteCommand.class.getPackage().getImplementationVersion();
            return new String[] {"lte " + (version == null ? "(not packaged)" : version), "Java " + Runtime.version()};
        }
    }
}
