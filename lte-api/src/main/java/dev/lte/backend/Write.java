package dev.lte.backend;

/** Whether a kernel replaces its output or adds to it (a residual connection). */
public enum Write {
    SET,
    ADD
}
