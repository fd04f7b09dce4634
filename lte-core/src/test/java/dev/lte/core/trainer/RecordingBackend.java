package dev.lte.core.trainer;

import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.TrainingKernels;
import dev.lte.core.reference.ReferenceBackendProvider;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The reference backend with recordings as a GPU has them: while operations are recorded none runs and nothing may be read or
 * written; later the same operations run with the same arguments, whatever the host has changed since.
 */
final class RecordingBackend {
    private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
    private @Nullable List<Call> captured;
    private int recordings;
    private long replayed;

    private record Call(Object target, Method method, Object[] arguments) {
        void run() {
            invoke(target, method, arguments);
        }
    }

    /** How many recordings have been made. */
    int recordings() {
        return recordings;
    }

    /** How many operations have run from recordings. */
    long replayed() {
        return replayed;
    }

    Backend backend() {
        return (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (proxy, method, arguments) -> method.getName().equals("openQueue")
                        ? queue(backend.openQueue())
                        : invoke(backend, method, arguments));
    }

    private KernelQueue queue(KernelQueue queue) {
        TrainingKernels training = proxy(TrainingKernels.class, queue.training());
        return (KernelQueue) Proxy.newProxyInstance(
                KernelQueue.class.getClassLoader(),
                new Class<?>[] {KernelQueue.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "training" -> training;
                    case "record" -> record((Runnable) arguments[0]);
                    case "read", "write", "await" -> {
                        if (captured != null) {
                            throw new IllegalStateException(method.getName() + " within a recording");
                        }
                        yield invoke(queue, method, arguments);
                    }
                    default -> call(queue, method, arguments);
                });
    }

    private <T> T proxy(Class<T> type, @Nullable T target) {
        if (target == null) {
            throw new AssertionError("the reference backend trains");
        }
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) -> call(target, method, arguments)));
    }

    private @Nullable Object call(Object target, Method method, Object[] arguments) {
        if (captured != null && method.getReturnType() == void.class) {
            captured.add(new Call(target, method, arguments));
            return null;
        }
        return invoke(target, method, arguments);
    }

    private KernelQueue.Recording record(Runnable operations) {
        List<Call> calls = new ArrayList<>();
        captured = calls;
        try {
            operations.run();
        } finally {
            captured = null;
        }
        recordings++;
        return () -> {
            replayed += calls.size();
            calls.forEach(Call::run);
        };
    }

    private static Object invoke(Object target, Method method, Object @Nullable [] arguments) {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new AssertionError(e.getCause());
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }
}
