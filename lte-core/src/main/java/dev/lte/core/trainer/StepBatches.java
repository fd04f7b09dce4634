package dev.lte.core.trainer;

import dev.lte.core.data.DataPosition;
import dev.lte.core.train.TrainingBatch;
import java.util.List;

/**
 * What one step learns from.
 *
 * @param passes whose gradients add up to those of the step
 * @param from where the batch begins in the data
 * @param next where the one behind it begins
 * @param tokens of all passes, without padding
 * @param counted targets that count
 * @param characters that they spell; 0 for classes
 */
record StepBatches(
        List<TrainingBatch> passes, DataPosition from, DataPosition next, long tokens, long counted, long characters) {
    StepBatches {
        passes = List.copyOf(passes);
    }

    /** For messages. */
    String describe() {
        return "epoch " + (from.epoch() + 1) + ", examples from " + (from.examples() + 1) + ", " + tokens + " tokens";
    }
}
