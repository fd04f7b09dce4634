/** The {@code lte} command: one class for each sub-command. Compiles against lte-api alone. */
@NullMarked
package dev.lte.examples.cli;

import org.jspecify.annotations.NullMarked;
