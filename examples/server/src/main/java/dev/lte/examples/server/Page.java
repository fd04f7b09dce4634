package dev.lte.examples.server;

import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.function.IntConsumer;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** The web page: one file, nothing from elsewhere. */
final class Page {
    private static final String POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
            + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private final byte[] html;

    private Page(byte[] html) {
        this.html = html;
    }

    static Page load() {
        try (InputStream file = Page.class.getResourceAsStream("index.html")) {
            return new Page(Objects.requireNonNull(file, "index.html is not part of the server")
                    .readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Mono<Void> send(HttpServerResponse response, IntConsumer told) {
        told.accept(200);
        response.header("Content-Security-Policy", POLICY)
                .header(HttpHeaderNames.CACHE_CONTROL, "no-cache")
                .header("Referrer-Policy", "no-referrer");
        return HttpAnswers.bytes(response, 200, "text/html; charset=utf-8", html);
    }
}
