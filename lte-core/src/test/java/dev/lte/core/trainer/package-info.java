@NullMarked
package dev.lte.core.trainer;

import org.jspecify.annotations.NullMarked;
