@NullMarked
package dev.lte.examples.langchain4j;

import org.jspecify.annotations.NullMarked;
