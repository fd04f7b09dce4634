package dev.lte.examples.server;

import dev.lte.Model;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.time.Duration;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.LoopResources;

/**
 * Serves one model over HTTP until closed. The model stays its owner's: close it after the server.
 *
 * <p>Closing lets running answers end, for as long as the options say, while new requests are refused with 503; what still runs
 * then is cut off.
 */
public final class LteServer implements AutoCloseable {
    private static final Duration IDLE = Duration.ofMinutes(2);
    private static final Duration REQUEST = Duration.ofMinutes(1);
    private static final Duration LAST = Duration.ofSeconds(2);

    /** Processors for each thread of connections: what these do is little, and each of them interrupts the model's threads. */
    private static final int PROCESSORS = 4;

    private final DisposableServer server;
    private final LoopResources threads;
    private final Routes routes;
    private final Duration grace;

    private LteServer(DisposableServer server, LoopResources threads, Routes routes, Duration grace) {
        this.server = server;
        this.threads = threads;
        this.routes = routes;
        this.grace = grace;
    }

    /**
     * Begins to listen. Blocks until the port is bound.
     *
     * @param metrics the listener that the model was loaded with, so that its meters are told
     */
    public static LteServer start(Model model, ServerMetrics metrics, ServerOptions options) {
        metrics.watch(model);
        Routes routes = new Routes(model, metrics, options);
        int count = Math.max(1, Runtime.getRuntime().availableProcessors() / PROCESSORS);
        LoopResources threads = LoopResources.create("lte-http", count, true);
        try {
            return new LteServer(listen(routes, threads, options), threads, routes, options.shutdownGrace());
        } catch (RuntimeException e) {
            threads.dispose();
            throw e;
        }
    }

    private static DisposableServer listen(Routes routes, LoopResources threads, ServerOptions options) {
        return HttpServer.create()
                .runOn(threads)
                .host(options.host())
                .port(options.port())
                .idleTimeout(IDLE)
                .requestTimeout(REQUEST)
                .channelGroup(new DefaultChannelGroup(GlobalEventExecutor.INSTANCE))
                .handle(routes)
                .bindNow();
    }

    public int port() {
        return server.port();
    }

    /** Answers that are being written. */
    public int activeAnswers() {
        return routes.activeAnswers();
    }

    /** Idempotent. Blocks until all is over. */
    @Override
    public void close() {
        if (server.isDisposed()) {
            return;
        }
        routes.drain().block(grace.plus(LAST));
        server.disposeNow(LAST);
        threads.disposeLater(Duration.ZERO, LAST).block(LAST.plus(LAST));
    }
}
