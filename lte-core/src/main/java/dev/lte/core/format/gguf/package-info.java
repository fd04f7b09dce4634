/** GGUF files: reader and writer. */
@NullMarked
package dev.lte.core.format.gguf;

import org.jspecify.annotations.NullMarked;
