/** Keys and values of the tokens that were seen, in pages that sequences share. */
@NullMarked
package dev.lte.core.cache;

import org.jspecify.annotations.NullMarked;
