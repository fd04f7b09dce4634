@NullMarked
package dev.lte.examples.cli;

import org.jspecify.annotations.NullMarked;
