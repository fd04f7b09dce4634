/** The parts of a transformer, each a short sequence of kernel calls over the rows of a {@link dev.lte.core.layer.Pass}. */
@NullMarked
package dev.lte.core.layer;

import org.jspecify.annotations.NullMarked;
