/** The same small program in Java and in Kotlin. */
@NullMarked
package dev.lte.examples.kotlin;

import org.jspecify.annotations.NullMarked;
