package dev.lte.core.baseline;

import dev.lte.SparsityReport;
import dev.lte.core.sparse.Grouping;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Leaves out what a rule says does not matter, and counts it: the visitor of every baseline. */
final class FfnMask implements FfnVisitor {
    /**
     * The rule of one layer.
     *
     * @param grouping whose experts the units are; null where units are neurons
     */
    record Rule(UnitScores scores, Selection selection, @Nullable Grouping grouping) {}

    private final List<Rule> rules;
    private final NeuronMeter meter;

    /** @param rules one a layer */
    FfnMask(List<Rule> rules, int neurons) {
        this.rules = List.copyOf(rules);
        meter = new NeuronMeter(rules.size(), neurons);
    }

    @Override
    public void visit(FfnActivations activations) {
        Rule rule = rules.get(activations.layer());
        activations.forEachRow(row -> {
            boolean[] units = rule.selection.of(rule.scores.of(activations, row));
            boolean[] neurons = rule.grouping == null ? units : neurons(units, rule.grouping);
            activations.keep(row, neurons);
            int running = 0;
            for (boolean runs : neurons) {
                running += runs ? 1 : 0;
            }
            meter.add(activations.layer(), running);
        });
    }

    private static boolean[] neurons(boolean[] experts, Grouping grouping) {
        boolean[] neurons = new boolean[grouping.ffn()];
        for (int f = 0; f < neurons.length; f++) {
            neurons[f] = experts[grouping.expertOf(f)];
        }
        return neurons;
    }

    /** Over all tokens so far. */
    SparsityReport sparsity() {
        return meter.report();
    }
}
