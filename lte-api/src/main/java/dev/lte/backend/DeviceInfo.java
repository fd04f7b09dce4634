package dev.lte.backend;

/**
 * What a backend runs on.
 *
 * @param description for people, such as {@code "512-bit vectors, 2 threads"} or {@code "NVIDIA H200, sm_90"}
 * @param threads host threads that kernels use
 * @param memoryBytes memory that weights and caches may take in all; an estimate on a host
 * @param promptRows rows that a pass over a prompt should have at most: enough for full speed, few enough that other streams
 *     and cancellation do not wait long
 */
public record DeviceInfo(String description, int threads, long memoryBytes, int promptRows) {}
