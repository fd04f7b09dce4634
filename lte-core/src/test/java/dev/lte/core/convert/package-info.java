/** Conversions that keep what a model computes, and random models. */
@NullMarked
package dev.lte.core.convert;

import org.jspecify.annotations.NullMarked;
