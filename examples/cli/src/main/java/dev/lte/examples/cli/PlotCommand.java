package dev.lte.examples.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Draws quality against sparsity from the results of {@link EvalCommand}. */
@Command(
        name = "plot",
        description = "Draws quality against sparsity from results of 'lte eval --json', and prints a table.")
final class PlotCommand implements Callable<Integer> {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 600;

    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "1..*",
            paramLabel = "[LABEL=]FILE",
            description =
                    "Files with one JSON object a line. Results of one label form a line; without, the label is the baseline's"
                            + " name, or the model's. The seeds of a run of 'lte experiment' are one point, their mean.")
    private List<String> files;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FILE",
            description = "The picture, .png or .svg. Default: the table alone.")
    private @Nullable Path target;

    @Option(
            names = "--x",
            paramLabel = "FIELD",
            defaultValue = "sparsity",
            description = "sparsity or flopsPerToken. Default: ${DEFAULT-VALUE}.")
    private String x;

    @Option(
            names = "--y",
            paramLabel = "FIELD",
            description =
                    "Such as bleu, rougeL, natsPerCharacter, perplexity or accuracy. Default: the first of bleu, accuracy and"
                            + " perplexity that all results have.")
    private @Nullable String y;

    @Option(names = "--title", paramLabel = "TEXT", defaultValue = "", description = "Stands above the picture.")
    private String title;

    @Override
    public Integer call() {
        List<ResultPoint> points = ResultPoint.read(files);
        String quality = y != null ? y : ResultPoint.commonScore(points);
        for (ResultPoint point : points) {
            if (!point.has(x) || !point.has(quality)) {
                throw new ParameterException(
                        spec.commandLine(), point.file() + ": expected numbers for " + x + " and " + quality);
            }
        }
        spec.commandLine().getOut().print(ResultPoint.table(points));
        spec.commandLine().getOut().flush();
        if (target != null) {
            save(chart(points, quality), target);
        }
        return 0;
    }

    private XYChart chart(List<ResultPoint> points, String quality) {
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(title)
                .xAxisTitle(x.equals("sparsity") ? "FFN sparsity" : x)
                .yAxisTitle(quality)
                .build();
        chart.getStyler().setMarkerSize(7);
        for (String label :
                new TreeSet<>(points.stream().map(ResultPoint::label).toList())) {
            List<List<ResultPoint>> line =
                    ResultPoint.runs(points.stream()
                                    .filter(point -> point.label().equals(label))
                                    .toList())
                            .stream()
                            .sorted(Comparator.comparingDouble(seeds -> ResultPoint.mean(seeds, x)))
                            .toList();
            chart.addSeries(
                    label,
                    line.stream().map(seeds -> ResultPoint.mean(seeds, x)).toList(),
                    line.stream().map(seeds -> ResultPoint.mean(seeds, quality)).toList());
        }
        return chart;
    }

    private void save(XYChart chart, Path file) {
        String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
        try {
            if (name.endsWith(".png")) {
                BitmapEncoder.saveBitmapWithDPI(chart, file.toString(), BitmapFormat.PNG, 144);
            } else if (name.endsWith(".svg")) {
                VectorGraphicsEncoder.saveVectorGraphic(chart, file.toString(), VectorGraphicsFormat.SVG);
            } else {
                throw new ParameterException(
                        spec.commandLine(), "--out: expected a name that ends in .png or .svg, found " + file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file + ": " + e, e);
        }
    }
}
