/** Tokenizers and the incremental detokeniser. */
@NullMarked
package dev.lte.core.token;

import org.jspecify.annotations.NullMarked;
