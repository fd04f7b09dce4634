package dev.lte.core.baseline;

import dev.lte.SparsityReport;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;

/** Counts (token, neuron) pairs that ran, layer by layer. Thread-safe. */
final class NeuronMeter {
    private final int neurons;
    private final AtomicLongArray active;
    private final AtomicLongArray tokens;

    NeuronMeter(int layers, int neurons) {
        this.neurons = neurons;
        active = new AtomicLongArray(layers);
        tokens = new AtomicLongArray(layers);
    }

    /** One more token of a layer, with as many neurons. */
    void add(int layer, int running) {
        active.addAndGet(layer, running);
        tokens.incrementAndGet(layer);
    }

    SparsityReport report() {
        double[] perLayer = new double[active.length()];
        for (int layer = 0; layer < perLayer.length; layer++) {
            long all = tokens.get(layer) * neurons;
            perLayer[layer] = all == 0 ? 0 : 1 - active.get(layer) / (double) all;
        }
        List<Double> boxed = Arrays.stream(perLayer).boxed().toList();
        return new SparsityReport(Arrays.stream(perLayer).average().orElse(0), boxed, tokens.get(0));
    }
}
