package dev.lte.examples.server;

import dev.lte.Model;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.time.Duration;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

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

    private final DisposableServer server;
    private final Routes routes;
    private final Duration grace;

    private LteServer(DisposableServer server, Routes routes, Duration grace) {
        this.server = server;
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
        DisposableServer server = HttpServer.create()
                .host(options.host())
                .port(options.port())
                .idleTimeout(IDLE)
                .requestTimeout(REQUEST)
                .channelGroup(new DefaultChannelGroup(GlobalEventExecutor.INSTANCE))
                .handle(routes)
                .bindNow();
        return new LteServer(server, routes, options.shutdownGrace());
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
    }
}
