/** Streams of tokens: one thread per model that admits, batches, steps, parks and ends them. */
@NullMarked
package dev.lte.core.engine;

import org.jspecify.annotations.NullMarked;
