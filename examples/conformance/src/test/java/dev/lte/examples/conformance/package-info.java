/** Streams of a real model against the rules of Reactive Streams and of Reactor. */
@NullMarked
package dev.lte.examples.conformance;

import org.jspecify.annotations.NullMarked;
