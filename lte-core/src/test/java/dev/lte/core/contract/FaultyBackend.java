package dev.lte.core.contract;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.DeviceInfo;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;

/** The reference backend with one operation replaced. */
final class FaultyBackend implements Backend {
    /** What runs instead. */
    @FunctionalInterface
    interface Fault {
        void run(KernelQueue queue, Object[] arguments);
    }

    private final Backend delegate = Rig.openReference();
    private final String operation;
    private final Fault fault;

    FaultyBackend(String operation, Fault fault) {
        this.operation = operation;
        this.fault = fault;
    }

    @Override
    public KernelQueue openQueue() {
        KernelQueue queue = delegate.openQueue();
        return (KernelQueue) Proxy.newProxyInstance(
                KernelQueue.class.getClassLoader(), new Class<?>[] {KernelQueue.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals(operation)) {
                        fault.run(queue, arguments);
                        return method.getReturnType() == void.class ? null : (KernelQueue.Recording) () -> {};
                    }
                    try {
                        return method.invoke(queue, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @Override
    public String name() {
        return "faulty";
    }

    @Override
    public DeviceInfo device() {
        return delegate.device();
    }

    @Override
    public boolean supportsWeight(DType dtype) {
        return delegate.supportsWeight(dtype);
    }

    @Override
    public boolean supportsCache(DType dtype) {
        return delegate.supportsCache(dtype);
    }

    @Override
    public Tensor allocate(DType dtype, int rows, int columns) {
        return delegate.allocate(dtype, rows, columns);
    }

    @Override
    public Tensor weight(List<WeightData> parts) {
        return delegate.weight(parts);
    }

    @Override
    public FfnWeights ffn(FfnData data) {
        return delegate.ffn(data);
    }

    @Override
    public void free(Tensor tensor) {
        delegate.free(tensor);
    }

    @Override
    public void close() {
        delegate.close();
    }
}
