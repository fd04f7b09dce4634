/** How the front door finds the implementation. Not for applications. */
@NullMarked
package dev.lte.spi;

import org.jspecify.annotations.NullMarked;
