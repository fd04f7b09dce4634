/** Training: what changes from step to step, and what steers it. */
@NullMarked
package dev.lte.core.train;

import org.jspecify.annotations.NullMarked;
