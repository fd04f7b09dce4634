/** Meters and observations of what a model does, by Micrometer. */
@NullMarked
package dev.lte.examples.micrometer;

import org.jspecify.annotations.NullMarked;
