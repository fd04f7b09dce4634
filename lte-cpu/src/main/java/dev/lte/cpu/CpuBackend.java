package dev.lte.cpu;

import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.DeviceInfo;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.OutOfDeviceMemoryException;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Host memory and a pool of threads. Weights are packed copies, so the files that they came from may be closed. */
final class CpuBackend implements Backend {
    private static final int ALIGNMENT = 64;

    /** Rows of a prompt after which decoding panels is a negligible part of a product. */
    private static final int PROMPT_ROWS = 512;

    private final DeviceInfo device;
    private final WorkerPool pool;
    private final @Nullable LargePages largePages = LargePages.find();
    private final @Nullable PackedWeights kept;
    /** All that has not been freed. */
    private final Set<Storage> storages = ConcurrentHashMap.newKeySet();

    private volatile boolean closed;

    CpuBackend(BackendOptions options) {
        device = describe(options);
        pool = new WorkerPool(device.threads());
        kept = options.weightCache() == null ? null : new PackedWeights(options.weightCache(), pool);
    }

    /** What {@link #device} would say. */
    static DeviceInfo describe(BackendOptions options) {
        int threads = options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
        String description = Lanes.bits() + "-bit vectors, " + threads + (threads == 1 ? " thread" : " threads");
        return new DeviceInfo(description, threads, memory().getTotalMemorySize(), PROMPT_ROWS);
    }

    private static com.sun.management.OperatingSystemMXBean memory() {
        return (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    }

    /**
     * Native memory, filled with zeros, with room for one vector more at the end.
     *
     * @throws OutOfDeviceMemoryException if there is none
     */
    MemorySegment allocate(Arena arena, String what, long bytes) {
        try {
            long size = Math.addExact(bytes, ALIGNMENT);
            MemorySegment memory = largePages != null && size >= LargePages.LEAST_BYTES
                    ? largePages.allocate(arena, size)
                    : arena.allocate(size, ALIGNMENT);
            return memory.asSlice(0, bytes);
        } catch (OutOfMemoryError e) {
            throw outOfMemory(what, bytes, memory().getFreeMemorySize(), e);
        }
    }

    /**
     * Packed weights, mapped if they were kept from an earlier run.
     *
     * @param key tells them from all others of the model
     * @param pack fills memory that it is given
     */
    MemorySegment packed(Arena arena, String what, PackedKey key, long bytes, Consumer<MemorySegment> pack) {
        MemorySegment found = kept == null ? null : kept.find(arena, key, bytes);
        if (found != null) {
            return found;
        }
        MemorySegment memory = allocate(arena, what, bytes);
        pack.accept(memory);
        if (kept != null) {
            kept.keep(key, memory);
        }
        return memory;
    }

    private static OutOfDeviceMemoryException outOfMemory(String what, long needed, long available, OutOfMemoryError cause) {
        OutOfDeviceMemoryException exception = new OutOfDeviceMemoryException(what, needed, available);
        exception.initCause(cause);
        return exception;
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public DeviceInfo device() {
        return device;
    }

    @Override
    public boolean supportsWeight(DType dtype) {
        return BlockDecoder.supports(dtype);
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
            throw new IllegalArgumentException("rows and columns must not be negative: " + rows + " x " + columns);
        }
        if (dtype.isQuantized() && !supportsCache(dtype)) {
            throw new IllegalArgumentException("expected a plain type or one of caches to allocate, found " + dtype);
        }
        long bytes = Math.multiplyExact(dtype.byteSize(columns), (long) rows);
        try {
            CpuTensor tensor = CpuTensor.allocate(this, dtype, rows, columns);
            keep(tensor.storage());
            return tensor;
        } catch (OutOfMemoryError e) {
            Runtime runtime = Runtime.getRuntime();
            long available = runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory();
            String what = "a tensor of " + rows + " x " + columns + " " + dtype;
            throw outOfMemory(what, bytes, available, e);
        }
    }

    /** A single F32 vector stays as it is, since norms and biases read it element by element; all else is packed. */
    @Override
    public Tensor weight(List<WeightData> parts) {
        checkOpen();
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("expected at least one part of a weight, found none");
        }
        WeightData first = parts.getFirst();
        for (WeightData part : parts) {
            checkSupported(part);
            if (part.columns() != first.columns()) {
                throw new IllegalArgumentException(part.name() + ": expected " + first.columns() + " columns as "
                        + first.name() + " has, found " + part.columns());
            }
        }
        if (parts.size() == 1 && first.rows() == 1 && first.dtype() == DType.F32) {
            CpuTensor vector = CpuTensor.allocate(this, DType.F32, 1, first.columns());
            BlockDecoder.decode(DType.F32, first.bytes(), 0, first.columns(), vector.floats(), 0);
            keep(vector.storage());
            return vector;
        }
        TiledWeight weight = TiledWeight.pack(this, pool, parts);
        keep(weight.storage());
        return weight;
    }

    @Override
    public FfnWeights ffn(FfnData data) {
        checkOpen();
        if (data.gate() != null) {
            checkSupported(data.gate());
        }
        checkSupported(data.up());
        checkSupported(data.down());
        CpuFfn ffn = CpuFfn.pack(this, pool, data);
        keep(ffn.storage());
        return ffn;
    }

    private void checkSupported(WeightData data) {
        if (!supportsWeight(data.dtype())) {
            throw new IllegalArgumentException(
                    data.name() + ": weights of type " + data.dtype() + " are not supported by backend cpu");
        }
    }

    private void keep(Storage storage) {
        storages.add(storage);
        if (closed) {
            storage.free();
            checkOpen();
        }
    }

    @Override
    public void free(Tensor tensor) {
        Storage storage =
                switch (tensor) {
                    case CpuTensor plain -> plain.storage();
                    case TiledWeight weight -> weight.storage();
                    default -> throw new IllegalArgumentException(
                            "expected a tensor of backend cpu, found " + tensor.getClass().getName());
                };
        if (storage.backend() != this) {
            throw new IllegalArgumentException("the tensor belongs to another backend");
        }
        storage.free();
        storages.remove(storage);
    }

    @Override
    public KernelQueue openQueue() {
        checkOpen();
        return new CpuQueue(this, pool);
    }

    void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the backend is closed");
        }
    }

    @Override
    public void close() {
        closed = true;
        pool.close();
        for (Storage storage : storages) {
            storage.free();
        }
        storages.clear();
    }
}
