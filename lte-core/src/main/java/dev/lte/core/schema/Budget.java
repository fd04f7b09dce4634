package dev.lte.core.schema;

import dev.lte.UnsupportedSchemaException;

/** Bounds the work and the memory that one schema may cost, whoever wrote it. */
final class Budget {
    /** Frames of the stack: one for each object, array or reference that a value lies in. */
    static final int MAX_DEPTH = 64;

    static final int MAX_SCHEMA_CHARS = 1 << 20;
    static final int MAX_STATES = 400_000;
    static final int MAX_ITEMS = 4096;
    private static final long MAX_WORK = 30_000_000;

    private String path = "#";
    private long work;
    private int states;

    /** Where the compiler is, for messages. */
    void at(String schemaPath) {
        path = schemaPath;
    }

    String path() {
        return path;
    }

    void work(long steps) {
        work += steps;
        if (work > MAX_WORK) {
            throw tooComplex("compiling it takes more than " + MAX_WORK + " steps");
        }
    }

    void state() {
        if (++states > MAX_STATES) {
            throw tooComplex("its automaton has more than " + MAX_STATES + " states");
        }
    }

    UnsupportedSchemaException tooComplex(String problem) {
        return new UnsupportedSchemaException(
                "", path, problem, "make the schema simpler: shorter patterns, smaller counts");
    }
}
