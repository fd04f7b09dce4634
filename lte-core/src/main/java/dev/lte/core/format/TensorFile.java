package dev.lte.core.format;

import dev.lte.ModelFormatException;
import dev.lte.backend.WeightData;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An open model file (or directory of files): tensors by name, their bytes mapped, never copied. Everything that it returns
 * has been checked against the size of the file. Thread-safe. Bytes must not be used after {@link #close}; doing so throws
 * {@link IllegalStateException}.
 */
public interface TensorFile extends AutoCloseable {
    Path path();

    /** Name and version of the format, for people. */
    String format();

    /** All tensors in file order. */
    List<TensorInfo> tensors();

    /**
     * Null if there is none of this name.
     *
     * @throws dev.lte.UnsupportedModelException if it is one of {@link #unsupported}
     */
    @Nullable
    TensorInfo find(String name);

    /** Tensors that are in the file but not in {@link #tensors}: their types by name, none of which LTE has. */
    default Map<String, String> unsupported() {
        return Map.of();
    }

    /** The mapped, read-only bytes of a tensor of this file. */
    MemorySegment bytes(TensorInfo tensor);

    /** A tensor as a matrix: all dimensions but the last are rows. Null if there is none of this name. */
    default @Nullable WeightData weight(String name) {
        TensorInfo tensor = find(name);
        if (tensor == null) {
            return null;
        }
        if (tensor.rows() > Integer.MAX_VALUE
                || tensor.columns() > Integer.MAX_VALUE
                || tensor.rows() < 1
                || tensor.columns() < 1) {
            throw new ModelFormatException(
                    path(),
                    name,
                    tensor.offset(),
                    "between 1 and 2^31 - 1 rows and columns",
                    tensor.shape().toString());
        }
        return new WeightData(name, tensor.dtype(), (int) tensor.rows(), (int) tensor.columns(), bytes(tensor));
    }

    @Override
    void close();
}
