package dev.lte.core.train;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Allocates the tensors of a model in training and frees them together. */
final class TrainingMemory implements AutoCloseable {
    private final Backend backend;
    private final int maxRows;
    private final DType activations;
    private final List<Tensor> tensors = new ArrayList<>();

    /**
     * @param maxRows T of the largest batch
     * @param activations type of what goes into and comes out of products
     */
    TrainingMemory(Backend backend, int maxRows, DType activations) {
        this.backend = backend;
        this.maxRows = maxRows;
        this.activations = activations;
    }

    int maxRows() {
        return maxRows;
    }

    DType activationType() {
        return activations;
    }

    Tensor allocate(DType dtype, int rows, int columns) {
        Tensor tensor = backend.allocate(dtype, rows, columns);
        tensors.add(tensor);
        return tensor;
    }

    /** Frees a tensor that was made elsewhere with the others. */
    Tensor adopt(Tensor tensor) {
        tensors.add(tensor);
        return tensor;
    }

    /** (T, columns) for something that products read. */
    Rows activation(int columns) {
        return new Rows(allocate(activations, maxRows, columns));
    }

    /** (T, columns) F32: the residual stream, its gradient, statistics, scores. */
    Rows exact(int columns) {
        return new Rows(allocate(DType.F32, maxRows, columns));
    }

    @Override
    public void close() {
        tensors.forEach(backend::free);
        tensors.clear();
    }

    /** A tensor for the largest batch, of which smaller ones use the first rows. */
    record Rows(Tensor all) {
        Tensor of(TrainingPass pass) {
            return all.rowRange(0, pass.rows());
        }
    }
}
