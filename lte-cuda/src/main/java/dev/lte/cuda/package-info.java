/**
 * The CUDA backend. Drives the device through the bytedeco bindings, whose jars hold glue only: driver, NVRTC and cuBLAS come
 * from the user's CUDA installation, and {@link dev.lte.cuda.CudaProbe} says which of them is missing.
 */
@NullMarked
package dev.lte.cuda;

import org.jspecify.annotations.NullMarked;
