@NullMarked
package dev.lte.examples.springai;

import org.jspecify.annotations.NullMarked;
