/** Models of every format, opened from real checkpoints, from tensors in memory, and from damaged ones. */
@NullMarked
package dev.lte.core.source;

import org.jspecify.annotations.NullMarked;
