/**
 * The backend that defines what every kernel computes: plain loops, sums in double, one thread. It is the oracle of every
 * backend test, and what a model runs on where nothing faster is available.
 */
@NullMarked
package dev.lte.core.reference;

import org.jspecify.annotations.NullMarked;
