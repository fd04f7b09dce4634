package dev.lte.train;

/** How the neurons of an FFN become experts of equal size. */
public enum GroupingMethod {
    /** Balanced k-means over the directions of gate rows (of the first linear map, without a gate); the paper's choice. */
    K_MEANS,
    /** Dealt at random. */
    RANDOM,
    /** As they stand in the file. */
    CONSECUTIVE
}
