/**
 * The LTE idea in one place: which neurons form an expert, and what decides when an expert runs.
 *
 * <p>Reading order: {@link dev.lte.core.sparse.Grouping}, {@link dev.lte.core.sparse.BalancedKMeans} with {@code
 * FeatureColumns} and {@code BalancedAssignment}, {@link dev.lte.core.sparse.CoActivations}, {@link
 * dev.lte.core.sparse.NeuronOrder}.
 */
@NullMarked
package dev.lte.core.sparse;

import org.jspecify.annotations.NullMarked;
