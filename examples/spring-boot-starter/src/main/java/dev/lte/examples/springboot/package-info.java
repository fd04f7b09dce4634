/** Starter for Spring Boot: {@code lte.model} names a model, and there is a {@code Model} and a {@code ChatModel} of it. */
@NullMarked
package dev.lte.examples.springboot;

import org.jspecify.annotations.NullMarked;
