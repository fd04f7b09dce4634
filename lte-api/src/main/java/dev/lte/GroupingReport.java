package dev.lte;

import java.time.Duration;
import java.util.List;

/**
 * How the neurons of a model's FFNs were put into the order of experts.
 *
 * @param experts per layer
 * @param objectives sum over neurons of the squared distance to the mean of their expert, per layer; 0 where the method has none
 * @param time of grouping, without reading and writing
 */
public record GroupingReport(int experts, List<Double> objectives, Duration time) {
    public GroupingReport {
        objectives = List.copyOf(objectives);
    }
}
