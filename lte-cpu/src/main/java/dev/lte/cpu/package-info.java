/**
 * Kernels for processors, written with the Vector API.
 *
 * <p>Weights are packed at load into tiles of 16 output features ({@link dev.lte.cpu.TileFormat}), so that a vector lane is an
 * output feature, no sum ever runs across lanes, and one tile serves a single token and a whole prompt alike. All products
 * accumulate in F32 over weights decoded to F32. {@link dev.lte.cpu.CpuQueue} dispatches to one class per kernel family.
 */
@NullMarked
package dev.lte.cpu;

import org.jspecify.annotations.NullMarked;
