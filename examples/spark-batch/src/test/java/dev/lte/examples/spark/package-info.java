@NullMarked
package dev.lte.examples.spark;

import org.jspecify.annotations.NullMarked;
