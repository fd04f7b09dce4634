/** A program that is packaged in every way that Java has. */
@NullMarked
package dev.lte.examples.packaging;

import org.jspecify.annotations.NullMarked;
