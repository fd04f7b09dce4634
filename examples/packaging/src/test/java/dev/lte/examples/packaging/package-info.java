@NullMarked
package dev.lte.examples.packaging;

import org.jspecify.annotations.NullMarked;
