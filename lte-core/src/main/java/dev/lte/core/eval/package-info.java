/**
 * Measures of quality: BLEU and ROUGE of generated text, scores of classifiers, likelihood. Each is an accumulator that takes
 * one example at a time; none is thread-safe.
 */
@NullMarked
package dev.lte.core.eval;

import org.jspecify.annotations.NullMarked;
