/** Offline generation and evaluation over data sets on Apache Spark: one model for each executor, finished tasks are kept. */
@NullMarked
package dev.lte.examples.spark;

import org.jspecify.annotations.NullMarked;
