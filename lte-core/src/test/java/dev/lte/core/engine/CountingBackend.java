package dev.lte.core.engine;

import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Kernels;
import dev.lte.core.reference.ReferenceBackendProvider;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** The reference backend, noting every kernel that is enqueued. */
final class CountingBackend {
    private static final Set<String> KERNELS =
            Arrays.stream(Kernels.class.getMethods()).map(Method::getName).collect(Collectors.toUnmodifiableSet());

    private final List<String> kernels = Collections.synchronizedList(new ArrayList<>());
    private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
    private volatile Consumer<String> listener = kernel -> {};
    private volatile boolean closed;

    Backend backend() {
        return (Backend) Proxy.newProxyInstance(
                CountingBackend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, args) -> {
                    if (method.getName().equals("openQueue")) {
                        return queue(backend.openQueue());
                    }
                    closed |= method.getName().equals("close");
                    return call(backend, method, args);
                });
    }

    private KernelQueue queue(KernelQueue queue) {
        InvocationHandler handler = (proxy, method, args) -> {
            if (method.getName().equals("record")) {
                return (KernelQueue.Recording) ((Runnable) args[0])::run;
            }
            if (KERNELS.contains(method.getName())) {
                kernels.add(method.getName());
                listener.accept(method.getName());
            }
            return call(queue, method, args);
        };
        return (KernelQueue) Proxy.newProxyInstance(
                CountingBackend.class.getClassLoader(), new Class<?>[] {KernelQueue.class}, handler);
    }

    private static Object call(Object target, Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(target, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** Called on the engine's thread before each kernel. */
    void onKernel(Consumer<String> listener) {
        this.listener = listener;
    }

    /** Every kernel so far, in order. */
    List<String> kernels() {
        synchronized (kernels) {
            return List.copyOf(kernels);
        }
    }

    void forget() {
        kernels.clear();
    }

    /** Passes through the model: each begins with one embedding. */
    int passes() {
        return Collections.frequency(kernels(), "embed");
    }

    boolean isClosed() {
        return closed;
    }
}
