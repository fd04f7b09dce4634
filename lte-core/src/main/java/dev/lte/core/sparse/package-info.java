/** Learn To be Efficient: experts of neurons, their routers, and the measure of what was skipped. */
@NullMarked
package dev.lte.core.sparse;

import org.jspecify.annotations.NullMarked;
