/** Block formats of quantised weights: layout, exact decoding, encoding. */
@NullMarked
package dev.lte.core.quant;

import org.jspecify.annotations.NullMarked;
