/**
 * Runs a {@link dev.lte.train.TrainingPlan}: data to passes, stages, checkpoints, evaluation, the finished model.
 *
 * <p>{@link dev.lte.core.trainer.TrainingFlux} gives every subscription a {@code Trainer} on a thread of its own. The trainer
 * goes from stage to stage; a {@code StageRunner} enqueues the steps of one and reads what they cost every few steps, while a
 * {@code StepFeeder} prepares the next ones. All that a run is stands in a {@code RunState} and the parameters, so that a
 * checkpoint of both is the run.
 */
@NullMarked
package dev.lte.core.trainer;

import org.jspecify.annotations.NullMarked;
