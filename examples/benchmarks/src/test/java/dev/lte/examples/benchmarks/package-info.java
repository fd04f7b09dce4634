@NullMarked
package dev.lte.examples.benchmarks;

import org.jspecify.annotations.NullMarked;
