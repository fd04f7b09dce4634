@NullMarked
package dev.lte.examples.micrometer;

import org.jspecify.annotations.NullMarked;
