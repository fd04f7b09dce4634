/** What every model file is: named tensors in mapped bytes. */
@NullMarked
package dev.lte.core.format;

import org.jspecify.annotations.NullMarked;
