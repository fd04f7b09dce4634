package dev.lte.core.baseline;

/** How much each unit (an expert or a neuron) of a layer matters to a token. Thread-safe. */
@FunctionalInterface
interface UnitScores {
    /** @return (units) */
    float[] of(FfnActivations activations, int row);
}
