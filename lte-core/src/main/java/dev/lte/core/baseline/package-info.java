/**
 * What LTE is compared with, and what needs no training: sparsifiers that work on a model as it is.
 *
 * <p>Oracles compute a layer's whole hidden activations, then leave out those that matter least; predictors decide from the
 * layer's input. Both run in evaluation, through {@link dev.lte.core.baseline.ObservedFfn}, where activations pass the host: they
 * measure quality, never speed. {@link dev.lte.core.baseline.Sparsifier} makes the same idea a model that can be served.
 */
@NullMarked
package dev.lte.core.baseline;

import org.jspecify.annotations.NullMarked;
