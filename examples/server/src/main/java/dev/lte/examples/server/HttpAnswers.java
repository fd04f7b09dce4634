package dev.lte.examples.server;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.databind.node.ObjectNode;

/** Writes answers and errors. */
final class HttpAnswers {
    static final String JSON = "application/json";

    /** Enough for the model not to wait for a client that reads at once. */
    private static final int AHEAD = 16;

    private static final System.Logger LOG = System.getLogger(HttpAnswers.class.getName());

    private HttpAnswers() {}

    static Mono<Void> json(HttpServerResponse response, int status, ObjectNode body) {
        byte[] bytes = RequestFields.MAPPER.writeValueAsBytes(body);
        return bytes(response, status, JSON, bytes);
    }

    static Mono<Void> bytes(HttpServerResponse response, int status, String type, byte[] bytes) {
        return response.status(status)
                .header(HttpHeaderNames.CONTENT_TYPE, type)
                .header(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(bytes.length))
                .header("X-Content-Type-Options", "nosniff")
                .sendByteArray(Mono.just(bytes))
                .then();
    }

    /** An error, unless something has been sent already. */
    static Mono<Void> error(HttpServerResponse response, Throwable failure, IntConsumer told) {
        ApiException error = translated(failure);
        told.accept(error.status());
        if (error.status() == HttpResponseStatus.TOO_MANY_REQUESTS.code() || error.status() == 503) {
            response.header(HttpHeaderNames.RETRY_AFTER, "1");
        }
        if (error.status() == HttpResponseStatus.UNAUTHORIZED.code()) {
            response.header(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer");
        }
        if (error.status() == HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE.code()) {
            response.keepAlive(false);
        }
        return json(response, error.status(), error.body());
    }

    private static ApiException translated(Throwable failure) {
        ApiException error = ApiException.of(failure);
        if (error.status() >= 500 && !(failure instanceof ApiException)) {
            LOG.log(Level.WARNING, "a request failed", failure);
        }
        return error;
    }

    /**
     * Waits for the first event, so that what is refused before any work has its own status; then streams. A failure later is an
     * event of the stream. Events are written out on the connection's own thread, not on the model's, which has others to serve;
     * a client that does not read stays at most {@link #AHEAD} events and what the network holds behind the model.
     */
    static <E> Mono<Void> stream(
            HttpServerResponse response, Flux<E> events, AnswerWriter<E> writer, IntConsumer told) {
        return events.publishOn(connectionThread(response), AHEAD)
                .switchOnFirst((first, all) -> {
                    if (first.isOnError() && first.getThrowable() instanceof Throwable failure) {
                        return error(response, failure, told);
                    }
                    told.accept(HttpResponseStatus.OK.code());
                    Flux<String> texts = all.map(event -> serverSentEvents(writer.chunks(event)))
                            .filter(text -> !text.isEmpty())
                            .concatWithValues("data: [DONE]\n\n")
                            .onErrorResume(failure ->
                                    Flux.just("data: " + translated(failure).body() + "\n\n"));
                    response.status(HttpResponseStatus.OK)
                            .header(HttpHeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8")
                            .header(HttpHeaderNames.CACHE_CONTROL, "no-cache")
                            .header("X-Accel-Buffering", "no");
                    return response.send(
                                    texts.map(text -> Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.UTF_8))),
                                    buffer -> true)
                            .then();
                })
                .then();
    }

    private static Scheduler connectionThread(HttpServerResponse response) {
        AtomicReference<Executor> loop = new AtomicReference<>();
        response.withConnection(connection -> loop.set(connection.channel().eventLoop()));
        return Schedulers.fromExecutor(loop.get());
    }

    private static String serverSentEvents(List<ObjectNode> chunks) {
        StringBuilder text = new StringBuilder();
        for (ObjectNode chunk : chunks) {
            text.append("data: ").append(chunk).append("\n\n");
        }
        return text.toString();
    }

    /** Collects the whole answer, then sends it. */
    static <E> Mono<Void> whole(HttpServerResponse response, Flux<E> events, AnswerWriter<E> writer, IntConsumer told) {
        return events.doOnNext(writer::collect)
                .then(Mono.defer(() -> {
                    ObjectNode body = writer.whole();
                    told.accept(HttpResponseStatus.OK.code());
                    return json(response, HttpResponseStatus.OK.code(), body);
                }))
                .onErrorResume(
                        failure -> response.hasSentHeaders() ? Mono.error(failure) : error(response, failure, told));
    }
}
