/**
 * What a backend implements: providers found by {@link java.util.ServiceLoader}, tensors it owns, and layer-step kernels.
 *
 * <p>Shapes use one alphabet everywhere: B sequences, T rows (tokens of one pass), D model width, F FFN width, H heads,
 * K key/value heads, E head size, N experts, M neurons of an expert (F = N x M), V vocabulary.
 */
@NullMarked
package dev.lte.backend;

import org.jspecify.annotations.NullMarked;
