package dev.lte.core.baseline;

import dev.lte.SparsityReport;
import dev.lte.core.sparse.Grouping;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Leaves out what a rule says does not matter, and counts it: the visitor of every baseline. */
final class FfnMask implements FfnVisitor {
    /**
     * The rule of one layer.
     *
     * @param grouping whose experts the units are; null where units are neurons
     * @param scaling factors of the units that run, by their scores; null for 1
     */
    record Rule(
            UnitScores scores,
            Selection selection,
            @Nullable Grouping grouping,
            @Nullable UnaryOperator<float[]> scaling) {
        Rule(UnitScores scores, Selection selection, @Nullable Grouping grouping) {
            this(scores, selection, grouping, null);
        }

        /** (F), whether each runs. */
        boolean[] neurons(FfnActivations activations, int row) {
            return neurons(scores.of(activations, row));
        }

        private boolean[] neurons(float[] unitScores) {
            boolean[] units = selection.of(unitScores);
            if (grouping == null) {
                return units;
            }
            boolean[] neurons = new boolean[grouping.ffn()];
            for (int f = 0; f < neurons.length; f++) {
                neurons[f] = units[grouping.expertOf(f)];
            }
            return neurons;
        }
    }

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
            float[] scores = rule.scores.of(activations, row);
            boolean[] neurons = rule.neurons(scores);
            activations.keep(row, neurons);
            if (rule.scaling != null && rule.grouping != null) {
                activations.scale(row, rule.scaling.apply(scores), rule.grouping);
            }
            int running = 0;
            for (boolean runs : neurons) {
                running += runs ? 1 : 0;
            }
            meter.add(activations.layer(), running);
        });
    }

    /** Over all tokens so far. */
    SparsityReport sparsity() {
        return meter.report();
    }
}
