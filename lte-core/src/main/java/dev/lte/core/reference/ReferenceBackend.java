package dev.lte.core.reference;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.DeviceInfo;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.OutOfDeviceMemoryException;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Plain arrays on the Java heap; weights stay in the bytes they came in and are decoded row by row whenever they are used.
 * Kernels run on the calling thread and have run when they return. Memory is never unmapped, so a kernel that races with
 * {@link #close} or {@link #free} ends in {@link IllegalStateException} or in a result nobody reads.
 */
final class ReferenceBackend implements Backend {
    static final String NAME = "reference";

    /** Rows over which decoding a weight is spread well enough. */
    private static final int PROMPT_ROWS = 64;

    /** All that is not freed. */
    private final Set<ReferenceStorage> storages = ConcurrentHashMap.newKeySet();

    private volatile boolean closed;

    static DeviceInfo describe() {
        return new DeviceInfo("plain loops, 1 thread", 1, Runtime.getRuntime().maxMemory(), PROMPT_ROWS);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public DeviceInfo device() {
        return describe();
    }

    @Override
    public boolean supportsWeight(DType dtype) {
        return dtype != DType.I32;
    }

    @Override
    public boolean supportsCache(DType dtype) {
        return switch (dtype) {
            case F32, F16, BF16, Q8_0 -> true;
            default -> false;
        };
    }

    @Override
    public Tensor allocate(DType dtype, int rows, int columns) {
        checkOpen();
        if (rows < 0 || columns < 0) {
            throw new IllegalArgumentException("expected no negative size, found " + rows + " x " + columns);
        }
        if (dtype.isQuantized() && !supportsCache(dtype)) {
            throw new IllegalArgumentException("expected a plain type or one of caches to allocate, found " + dtype);
        }
        long bytes = Math.multiplyExact(dtype.byteSize(columns), (long) rows);
        long elements = (long) rows * columns;
        try {
            ReferenceStorage storage = switch (dtype) {
                case F32 -> new FloatStorage(this, columns, new float[arrayLength(elements)]);
                case I32 -> new IntegerStorage(this, columns, new int[arrayLength(elements)]);
                case Q8_0 -> new BlockStorage(this, columns, new byte[arrayLength(bytes)]);
                default -> new HalfStorage(this, dtype, columns, new short[arrayLength(elements)]);
            };
            return keep(storage, dtype, rows, columns);
        } catch (OutOfMemoryError e) {
            Runtime runtime = Runtime.getRuntime();
            long available = runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory();
            OutOfDeviceMemoryException failure = new OutOfDeviceMemoryException(
                    "a tensor of " + rows + " x " + columns + " " + dtype, bytes, available);
            failure.initCause(e);
            throw failure;
        }
    }

    private static int arrayLength(long elements) {
        if (elements > Integer.MAX_VALUE - 8) {
            throw new OutOfMemoryError("more elements than an array can have");
        }
        return (int) elements;
    }

    @Override
    public Tensor weight(List<WeightData> parts) {
        checkOpen();
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("expected at least one part of a weight, found none");
        }
        WeightData first = parts.getFirst();
        int rows = 0;
        for (WeightData part : parts) {
            checkSupported(part);
            if (part.columns() != first.columns()) {
                throw new IllegalArgumentException(part.name() + ": expected " + first.columns() + " columns as in "
                        + first.name() + " (" + first.rows() + " x " + first.columns() + "), found " + part.rows()
                        + " x " + part.columns());
            }
            rows = Math.addExact(rows, part.rows());
        }
        return keep(new WeightStorage(this, parts), first.dtype(), rows, first.columns());
    }

    @Override
    public FfnWeights ffn(FfnData data) {
        checkOpen();
        return ReferenceFfnWeights.of(this, data);
    }

    /** A weight that only the backend's own code holds. */
    ReferenceTensor part(WeightData data) {
        return (ReferenceTensor) weight(List.of(data));
    }

    private void checkSupported(WeightData data) {
        if (!supportsWeight(data.dtype())) {
            throw new IllegalArgumentException(
                    data.name() + ": backend " + NAME + " takes no weights of type " + data.dtype());
        }
    }

    private ReferenceTensor keep(ReferenceStorage storage, DType dtype, int rows, int columns) {
        storages.add(storage);
        if (closed) {
            storage.free();
            checkOpen();
        }
        return new ReferenceTensor(storage, dtype, 0, rows, 0, columns);
    }

    @Override
    public void free(Tensor tensor) {
        ReferenceStorage storage = own(tensor).storage();
        storage.free();
        storages.remove(storage);
    }

    @Override
    public KernelQueue openQueue() {
        checkOpen();
        return new ReferenceQueue(this);
    }

    /**
     * The tensor as one of this backend's.
     *
     * @throws IllegalArgumentException if it is another's
     */
    ReferenceTensor own(Tensor tensor) {
        if (tensor instanceof ReferenceTensor own && own.storage().backend() == this) {
            return own;
        }
        throw new IllegalArgumentException("expected a tensor of this backend, found one of another: " + tensor);
    }

    void checkOpen() {
        if (closed) {
            throw new IllegalStateException("backend " + NAME + " is closed");
        }
    }

    @Override
    public void close() {
        closed = true;
        storages.forEach(ReferenceStorage::free);
        storages.clear();
    }
}
