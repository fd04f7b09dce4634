@NullMarked
package dev.lte.core.baseline;

import org.jspecify.annotations.NullMarked;
