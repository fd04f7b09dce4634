@NullMarked
package dev.lte.examples.springboot;

import org.jspecify.annotations.NullMarked;
