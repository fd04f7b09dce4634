package dev.lte.examples.cli;

import dev.lte.ModelFiles;
import dev.lte.Tokenizer;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Text to token ids, or back. */
@Command(name = "tokenize", description = "Turns text into token ids, or ids into text.")
final class TokenizeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @ArgGroup(multiplicity = "1")
    private Input input;

    @Option(names = "--no-special", description = "Leave out the begin-of-text token that the model expects.")
    private boolean noSpecial;

    @Option(names = "--parse-special", description = "Special tokens written out in the text become those tokens.")
    private boolean parseSpecial;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Mixin
    private ModelOptions model;

    /** Text or ids, not both. */
    private static final class Input {
        @Parameters(paramLabel = "TEXT", description = "Text to encode; ids and pieces are printed.")
        private @Nullable String text;

        @Option(names = "--decode", paramLabel = "ID", split = ",", description = "Ids to decode, such as 1,5,7.")
        private @Nullable List<Integer> ids;
    }

    private record Encoded(List<Integer> ids, List<String> pieces) {}

    private record Decoded(String text) {}

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        if (input.ids != null) {
            if (noSpecial || parseSpecial) {
                throw new ParameterException(
                        spec.commandLine(), "--no-special and --parse-special are for encoding, not for --decode");
            }
            decode(out, input.ids);
        } else {
            encode(out, input.text == null ? "" : input.text);
        }
        out.flush();
        return 0;
    }

    private void decode(PrintWriter out, List<Integer> ids) {
        String text = ModelFiles.tokenizer(model.path())
                .decode(ids.stream().mapToInt(Integer::intValue).toArray());
        if (json) {
            Json.print(out, new Decoded(text));
        } else {
            out.println(text);
        }
    }

    private void encode(PrintWriter out, String text) {
        Tokenizer tokenizer = ModelFiles.tokenizer(model.path());
        List<Integer> ids = Arrays.stream(tokenizer.encode(text, !noSpecial, parseSpecial))
                .boxed()
                .toList();
        List<String> pieces = ids.stream().map(tokenizer::piece).toList();
        if (json) {
            Json.print(out, new Encoded(ids, pieces));
        } else {
            out.println(ids.stream().map(String::valueOf).collect(Collectors.joining(",")));
            out.println(String.join(" | ", pieces));
        }
    }
}
