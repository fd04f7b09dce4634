/** Writes model files: conversions between formats and element types, and models with random weights. */
@NullMarked
package dev.lte.core.convert;

import org.jspecify.annotations.NullMarked;
