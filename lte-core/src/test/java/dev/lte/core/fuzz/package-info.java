/** Damaged files for tests of everything that reads files: mutations by number, and bounds on heap and time. */
@NullMarked
package dev.lte.core.fuzz;

import org.jspecify.annotations.NullMarked;
