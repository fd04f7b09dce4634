/**
 * Training and evaluation data: files to examples, examples to batches of token ids.
 *
 * <p>An {@link dev.lte.core.data.ExampleSource} reads one file as a stream; an {@link dev.lte.core.data.ExampleStream} repeats
 * and shuffles it; a {@link dev.lte.core.data.BatchStream} tokenizes and packs or pads. Files are larger than memory and
 * untrusted. Every stream can go on from a recorded {@link dev.lte.core.data.DataPosition} with the same batches.
 */
@NullMarked
package dev.lte.core.data;

import org.jspecify.annotations.NullMarked;
