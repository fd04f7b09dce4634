/** Speed of single kernels (JMH) and of whole engines next to each other. */
@NullMarked
package dev.lte.examples.benchmarks;

import org.jspecify.annotations.NullMarked;
