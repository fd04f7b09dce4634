package dev.lte;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How good a model was at a task, and how much work it did for that.
 *
 * @param model its name
 * @param backend that ran it
 * @param scores by name, see {@link EvaluationTask}: BLEU and ROUGE-L 0 to 100, the others as their definitions have them
 * @param sparsity of the FFN, measured over all tokens that were run
 * @param flopsPerToken counted as the LTE paper counts them: projections of attention, the part of the FFN that ran, and routers,
 *     two operations a weight; neither attention scores nor the language model's head
 * @param examples meaning representations, sequences or texts
 * @param outputs what the model said for each example, for tasks that have outputs; else empty
 * @param time of the evaluation, without loading
 */
public record EvaluationReport(
        EvaluationTask task,
        String model,
        String backend,
        Map<String, Double> scores,
        SparsityReport sparsity,
        double flopsPerToken,
        long examples,
        List<String> outputs,
        Duration time) {
    public EvaluationReport {
        scores = Collections.unmodifiableMap(new LinkedHashMap<>(scores));
        outputs = List.copyOf(outputs);
    }
}
