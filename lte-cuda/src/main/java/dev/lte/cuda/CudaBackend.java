package dev.lte.cuda;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.DeviceInfo;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * A CUDA device. Operations on queues hold the read lock while they enqueue; whatever frees memory holds the write lock and
 * waits for the device first, so that no kernel runs on memory that is gone.
 */
final class CudaBackend implements Backend {
    static final String NAME = "cuda";

    private final DeviceInfo device;
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final CudaContext context;
    private final CudaMemory memory = new CudaMemory();
    private final CudaModule module;
    private final TrainingModules training;
    private final CudaPacker packer;
    private final Set<CudaStorage> storages = ConcurrentHashMap.newKeySet();
    private final Set<CudaQueue> queues = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    CudaBackend(int index, DeviceInfo device) {
        this.device = device;
        context = new CudaContext(index);
        CudaCompiler compiler = new CudaCompiler(context.architecture());
        module = new CudaModule(compiler);
        training = new TrainingModules(compiler);
        packer = new CudaPacker(memory, module);
    }

    CudaContext context() {
        return context;
    }

    CudaMemory memory() {
        return memory;
    }

    CudaModule module() {
        return module;
    }

    TrainingModules training() {
        return training;
    }

    ReentrantReadWriteLock lock() {
        return lock;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public DeviceInfo device() {
        return device;
    }

    @Override
    public boolean supportsWeight(DType dtype) {
        return switch (dtype) {
            case F32, F16, BF16, Q8_0, Q4_0 -> true;
            default -> false;
        };
    }

    @Override
    public boolean supportsCache(DType dtype) {
        return dtype == DType.F32 || dtype == DType.F16 || dtype == DType.BF16;
    }

    @Override
    public Tensor allocate(DType dtype, int rows, int columns) {
        if (rows < 0 || columns < 0) {
            throw new IllegalArgumentException("expected no negative size, found " + rows + " x " + columns);
        }
        if (dtype.isQuantized()) {
            throw new IllegalArgumentException("expected a plain type to allocate, found " + dtype);
        }
        lock.writeLock().lock();
        try {
            checkOpen();
            context.enter();
            long stride = stride(dtype, rows, columns);
            long bytes = stride * rows;
            long address = memory.allocate("a tensor of " + rows + " x " + columns + " " + dtype, bytes);
            packer.zero(address, Math.max(bytes, 1));
            return keep(false, dtype, rows, columns, List.of(new Segment(dtype, rows, address, 0, stride)));
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** Long rows begin at multiples of 16 bytes, so that kernels and cuBLAS take them in large pieces. */
    private static long stride(DType dtype, int rows, int columns) {
        long bytes = dtype.byteSize(columns);
        return rows > 1 && bytes >= 256 ? (bytes + 15) / 16 * 16 : bytes;
    }

    @Override
    public Tensor weight(List<WeightData> parts) {
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
        lock.writeLock().lock();
        List<Segment> segments = new ArrayList<>();
        try {
            checkOpen();
            context.enter();
            for (int from = 0; from < parts.size(); ) {
                int to = from;
                int together = 0;
                while (to < parts.size()
                        && parts.get(to).dtype() == parts.get(from).dtype()) {
                    together += parts.get(to++).rows();
                }
                DType dtype = parts.get(from).dtype();
                Segment segment = packer.allocate(parts.get(from).name(), dtype, together, first.columns());
                segments.add(segment);
                int start = 0;
                for (WeightData part : parts.subList(from, to)) {
                    packer.pack(part, segment, new CudaPacker.Layout(part.rows(), 0, start, 0, 1));
                    start += part.rows();
                }
                from = to;
            }
            return keep(true, first.dtype(), rows, first.columns(), List.copyOf(segments));
        } catch (RuntimeException e) {
            segments.forEach(packer::free);
            throw e;
        } finally {
            lock.writeLock().unlock();
        }
    }

    @Override
    public FfnWeights ffn(FfnData data) {
        for (@Nullable
        WeightData part :
                new @Nullable WeightData[] {data.gate(), data.up(), data.down(), data.upBias(), data.downBias()}) {
            if (part != null) {
                checkSupported(part);
            }
        }
        lock.writeLock().lock();
        try {
            checkOpen();
            context.enter();
            CudaFfn ffn = new FfnPacker(this, packer).pack(data);
            storages.add(ffn.storage());
            return ffn;
        } finally {
            lock.writeLock().unlock();
        }
    }

    private void checkSupported(WeightData data) {
        if (!supportsWeight(data.dtype())) {
            throw new IllegalArgumentException(
                    data.name() + ": backend " + NAME + " takes no weights of type " + data.dtype());
        }
    }

    private CudaTensor keep(boolean constant, DType dtype, int rows, int columns, List<Segment> segments) {
        long[] addresses = segments.stream()
                .flatMapToLong(s -> java.util.stream.LongStream.of(s.address(), s.scales()))
                .toArray();
        CudaStorage storage = new CudaStorage(this, constant, addresses);
        storages.add(storage);
        return new CudaTensor(storage, dtype, rows, columns, segments);
    }

    @Override
    public void free(Tensor tensor) {
        CudaStorage storage = own(tensor).storage();
        lock.writeLock().lock();
        try {
            if (storages.remove(storage)) {
                context.enter();
                queues.forEach(CudaQueue::drain);
                storage.markFreed();
                for (long address : storage.addresses()) {
                    memory.free(address);
                }
            }
        } finally {
            lock.writeLock().unlock();
        }
    }

    @Override
    public KernelQueue openQueue() {
        lock.writeLock().lock();
        try {
            checkOpen();
            context.enter();
            CudaQueue queue = new CudaQueue(this);
            queues.add(queue);
            return queue;
        } finally {
            lock.writeLock().unlock();
        }
    }

    void forget(CudaQueue queue) {
        queues.remove(queue);
    }

    /**
     * @throws IllegalArgumentException if the tensor is another backend's
     */
    CudaTensor own(Tensor tensor) {
        if (tensor instanceof CudaTensor own && own.storage().backend() == this) {
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
        lock.writeLock().lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            context.enter();
            List.copyOf(queues).forEach(CudaQueue::close);
            storages.forEach(CudaStorage::markFreed);
            storages.clear();
            packer.close();
            memory.freeAll();
            module.close();
            training.close();
            context.close();
        } finally {
            lock.writeLock().unlock();
        }
    }
}
