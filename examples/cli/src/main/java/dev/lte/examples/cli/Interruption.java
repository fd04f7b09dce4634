package dev.lte.examples.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/**
 * Ends a stream in order when the JVM is asked to stop (Ctrl-C): the shutdown hook cancels the stream and waits until the
 * main thread has closed the model. The JVM then exits with 128 + the signal's number, 130 for Ctrl-C.
 */
final class Interruption implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 60;

    private final Sinks.Empty<Void> request = Sinks.empty();
    private final Runnable stop;
    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook = new Thread(this::stop, "lte-interruption");

    private Interruption(Runnable stop) {
        this.stop = stop;
    }

    static Interruption watch() {
        return watch(() -> {});
    }

    /** @param stop asks the work to end in order */
    static Interruption watch(Runnable stop) {
        Interruption interruption = new Interruption(stop);
        Runtime.getRuntime().addShutdownHook(interruption.hook);
        return interruption;
    }

    /** The same stream, cancelled and completed on interruption. */
    <T> Flux<T> cancels(Flux<T> stream) {
        return stream.takeUntilOther(request.asMono());
    }

    private void stop() {
        stop.run();
        request.tryEmitEmpty();
        try {
            finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        finished.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The JVM is already stopping: the hook is what brought us here.
            return;
        }
    }
}
