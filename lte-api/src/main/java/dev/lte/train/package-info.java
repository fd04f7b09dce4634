/**
 * Training: describe a {@link dev.lte.train.TrainingPlan}, subscribe to the events of a {@link dev.lte.train.Training}.
 *
 * <pre>{@code
 * TrainingPlan plan = TrainingPlan.of(p -> p.start(new StartingPoint.ExistingModel(Path.of("model.gguf")))
 *         .data(TrainingData.of(TrainingData.Format.TEXT, Path.of("train.txt")))
 *         .folder(Path.of("run"))
 *         .stage(Stage.dense(s -> s.epochs(1)))
 *         .stage(Stage.learned(s -> s.steps(500).targetSparsity(0.7)))
 *         .stage(Stage.hard(s -> s.steps(300))));
 * Training.of(plan).events().doOnNext(System.out::println).blockLast();
 * }</pre>
 */
@NullMarked
package dev.lte.train;

import org.jspecify.annotations.NullMarked;
