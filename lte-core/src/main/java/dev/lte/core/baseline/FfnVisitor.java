package dev.lte.core.baseline;

/** Looks at the activations of FFNs as they are computed, layer by layer, and may change the hidden ones. */
@FunctionalInterface
interface FfnVisitor {
    void visit(FfnActivations activations);
}
