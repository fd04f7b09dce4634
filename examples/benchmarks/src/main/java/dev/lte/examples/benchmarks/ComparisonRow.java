package dev.lte.examples.benchmarks;

import java.util.List;

/**
 * One entrant of a comparison: medians in tokens a second, and their ratios to those of the first entrant.
 *
 * @param samples all measured runs
 */
record ComparisonRow(
        String entrant, double prompt, double decode, double promptRatio, double decodeRatio, List<Speeds> samples) {
    static ComparisonRow of(String entrant, List<Speeds> samples, List<Speeds> reference) {
        double prompt = median(samples.stream().map(Speeds::prompt).toList());
        double decode = median(samples.stream().map(Speeds::decode).toList());
        double promptOfFirst = median(reference.stream().map(Speeds::prompt).toList());
        double decodeOfFirst = median(reference.stream().map(Speeds::decode).toList());
        return new ComparisonRow(
                entrant, prompt, decode, prompt / promptOfFirst, decode / decodeOfFirst, List.copyOf(samples));
    }

    static double median(List<Double> values) {
        if (values.isEmpty()) {
            throw new IllegalArgumentException("no values");
        }
        List<Double> sorted = values.stream().sorted().toList();
        return (sorted.get((sorted.size() - 1) / 2) + sorted.get(sorted.size() / 2)) / 2;
    }
}
