/** Checkpoints with logits, hidden states and tokens that the reference implementations computed. */
@NullMarked
package dev.lte.core.golden;

import org.jspecify.annotations.NullMarked;
