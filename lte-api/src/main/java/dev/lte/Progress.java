package dev.lte;

/**
 * A step of long work.
 *
 * @param what what is being worked on
 * @param done units done
 * @param total units in all
 */
public record Progress(String what, long done, long total) {}
