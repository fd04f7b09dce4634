/** Safetensors files: reader and writer. */
@NullMarked
package dev.lte.core.format.safetensors;

import org.jspecify.annotations.NullMarked;
