@NullMarked
package dev.lte.cuda;

import org.jspecify.annotations.NullMarked;
