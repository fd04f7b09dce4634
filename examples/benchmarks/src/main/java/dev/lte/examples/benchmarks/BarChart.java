package dev.lte.examples.benchmarks;

import java.util.List;
import java.util.Locale;

/** A bar for each entrant, as SVG. */
final class BarChart {
    private static final int WIDTH = 720;
    private static final int BAR = 28;
    private static final int LABEL = 260;

    private BarChart() {}

    static String of(String title, List<ComparisonRow> rows) {
        double largest = rows.stream().mapToDouble(ComparisonRow::decode).max().orElse(1);
        StringBuilder svg = new StringBuilder(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"13\">%n",
                WIDTH,
                40 + rows.size() * (BAR + 8)));
        svg.append(
                String.format(Locale.ROOT, "<text x=\"8\" y=\"20\" font-weight=\"bold\">%s</text>%n", escape(title)));
        for (int i = 0; i < rows.size(); i++) {
            ComparisonRow row = rows.get(i);
            int y = 34 + i * (BAR + 8);
            double width = (WIDTH - LABEL - 160) * row.decode() / largest;
            svg.append(String.format(
                    Locale.ROOT,
                    "<text x=\"8\" y=\"%d\">%s</text><rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#4878a8\"/>"
                            + "<text x=\"%.1f\" y=\"%d\">%.1f (%.2fx)</text>%n",
                    y + 19,
                    escape(row.entrant()),
                    LABEL,
                    y,
                    width,
                    BAR,
                    LABEL + width + 6,
                    y + 19,
                    row.decode(),
                    row.decodeRatio()));
        }
        return svg.append("</svg>\n").toString();
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
