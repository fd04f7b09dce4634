package dev.lte.train;

/** How the neurons of an FFN become experts of equal size. */
public enum GroupingMethod {
    /** Balanced k-means over the directions of gate rows (of the first linear map, without a gate); the paper's choice. */
    K_MEANS,
    /**
     * The co-activation graph, split so that neurons which are active for the same tokens come together (MoEfication; Zhang et al.,
     * 2022); the paper's alternative. Needs data: the stage's own in training.
     */
    CO_ACTIVATION,
    /** Dealt at random. */
    RANDOM,
    /** As they stand in the file. */
    CONSECUTIVE
}
