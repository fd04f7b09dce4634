package dev.lte.backend;

import org.jspecify.annotations.Nullable;

/**
 * A parameter with what its optimiser needs, all of one shape.
 *
 * @param master F32: the parameter itself
 * @param copy BF16: the parameter as products use it, or null if they use the master
 * @param gradient F32
 * @param mean F32: m, the running mean of the gradient
 * @param square F32: v, the running mean of the squared gradient
 */
public record ParameterState(Tensor master, @Nullable Tensor copy, Tensor gradient, Tensor mean, Tensor square) {}
