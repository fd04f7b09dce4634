import com.palantir.javaformat.java.Formatter;
import com.palantir.javaformat.java.FormatterException;
import com.palantir.javaformat.java.ImportOrderer;
import com.palantir.javaformat.java.JavaFormatterOptions;
import com.palantir.javaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Checks or applies the format of every Java source: {@code Format.java check|apply ROOT}. Run by the build; exits with 1 if
 * a source is not formatted.
 */
final class Format {
    public static void main(String[] args) throws IOException, FormatterException {
        boolean apply = args[0].equals("apply");
        if (!apply && !args[0].equals("check")) {
            throw new IllegalArgumentException("expected -Dformat=check or -Dformat=apply, found " + args[0]);
        }
        Path root = Path.of(args[1]);
        Formatter formatter = Formatter.createFormatter(JavaFormatterOptions.builder()
                .style(JavaFormatterOptions.Style.PALANTIR)
                .formatJavadoc(false)
                .build());
        List<Path> wrong = new ArrayList<>();
        for (Path source : sources(root)) {
            String text = Files.readString(source);
            String formatted = formatter.formatSource(
                    RemoveUnusedImports.removeUnusedImports(ImportOrderer.reorderImports(text, JavaFormatterOptions.Style.PALANTIR)));
            if (!formatted.equals(text)) {
                wrong.add(root.relativize(source));
                if (apply) {
                    Files.writeString(source, formatted);
                }
            }
        }
        if (apply) {
            System.out.println("formatted " + wrong.size() + " files");
        } else if (!wrong.isEmpty()) {
            wrong.forEach(source -> System.err.println("not formatted: " + source));
            System.err.println("run: mvn -Pchecks -N process-sources -Dformat=apply");
            System.exit(1);
        }
    }

    private static List<Path> sources(Path root) throws IOException {
        List<Path> sources = new ArrayList<>();
        try (Stream<Path> folders = Files.walk(root, 4)) {
            for (Path folder : folders.filter(path -> path.endsWith("src") && Files.isDirectory(path)).toList()) {
                try (Stream<Path> files = Files.walk(folder)) {
                    files.filter(path -> path.toString().endsWith(".java")).sorted().forEach(sources::add);
                }
            }
        }
        return sources;
    }
}
