/** Checkpoints of llama2.c: reader. */
@NullMarked
package dev.lte.core.format.llama2c;

import org.jspecify.annotations.NullMarked;
