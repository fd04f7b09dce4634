/** From logits to the next token. */
@NullMarked
package dev.lte.core.sample;

import org.jspecify.annotations.NullMarked;
