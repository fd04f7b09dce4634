/**
 * Training: parameters with their optimiser state on a backend, and the layers of all families forward and backward over
 * {@link dev.lte.backend.TrainingKernels}.
 *
 * <p>A layer keeps what its backward pass needs in tensors of its own, made once for the largest batch; forward and backward stand
 * next to each other in one file. {@link dev.lte.core.train.TrainingModel} puts the layers together; {@link
 * dev.lte.core.train.Schedule} and {@link dev.lte.core.train.SparsityController} steer what changes from step to step.
 */
@NullMarked
package dev.lte.core.train;

import org.jspecify.annotations.NullMarked;
