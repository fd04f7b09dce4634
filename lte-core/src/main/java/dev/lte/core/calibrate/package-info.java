/**
 * Sparsity without training: what can be decided from the activations of a sample of tokens. Thresholds of magnitude per layer,
 * the experts that mattered for a token, and linear routers that predict them. Pure arithmetic: the activations come from the
 * engine.
 */
@NullMarked
package dev.lte.core.calibrate;

import org.jspecify.annotations.NullMarked;
