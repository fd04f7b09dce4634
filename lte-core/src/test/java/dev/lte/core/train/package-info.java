@NullMarked
package dev.lte.core.train;

import org.jspecify.annotations.NullMarked;
