package dev.lte.core.data;

/** A file of examples that can be read any number of times. */
@FunctionalInterface
public interface ExampleSource {
    /** Begins a pass. */
    ExampleReader open();
}
