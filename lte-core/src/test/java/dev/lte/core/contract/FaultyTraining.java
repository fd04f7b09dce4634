package dev.lte.core.contract;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.TrainingKernels;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The contract for the reference backend with one operation of training replaced; its tests are called by hand. */
final class FaultyTraining extends BackendContractTest {
    /** What runs instead. */
    @FunctionalInterface
    interface Fault {
        void run(TrainingKernels kernels, Object[] arguments);
    }

    private final String operation;
    private final Fault fault;

    FaultyTraining(String operation, Fault fault) {
        this.operation = operation;
        this.fault = fault;
    }

    @Override
    protected Backend open() {
        Backend backend = Rig.openReference();
        return proxy(Backend.class, (method, arguments) -> {
            Object result = call(backend, method, arguments);
            return method.getName().equals("openQueue") ? faulty((KernelQueue) Objects.requireNonNull(result)) : result;
        });
    }

    private KernelQueue faulty(KernelQueue queue) {
        TrainingKernels kernels = Objects.requireNonNull(queue.training());
        TrainingKernels training = proxy(TrainingKernels.class, (method, arguments) -> {
            if (method.getName().equals(operation)) {
                fault.run(kernels, Objects.requireNonNull(arguments));
                return null;
            }
            return call(kernels, method, arguments);
        });
        return proxy(
                KernelQueue.class,
                (method, arguments) -> method.getName().equals("training") ? training : call(queue, method, arguments));
    }

    /** What a call comes to. */
    private interface Call {
        @Nullable
        Object run(Method method, Object @Nullable [] arguments) throws Throwable;
    }

    private static <T> T proxy(Class<T> type, Call call) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) -> call.run(method, arguments)));
    }

    private static @Nullable Object call(Object target, Method method, Object @Nullable [] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    @Override
    public Set<DType> weightTypes() {
        return EnumSet.of(DType.F32);
    }

    @Override
    public Set<DType> cacheTypes() {
        return EnumSet.of(DType.F32);
    }

    @Override
    public Set<DType> trainingTypes() {
        return EnumSet.of(DType.F32, DType.BF16);
    }
}
