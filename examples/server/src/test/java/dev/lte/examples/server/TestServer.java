package dev.lte.examples.server;

import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.ModelStatus;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.http.client.HttpClient;
import tools.jackson.databind.JsonNode;

/** A server with the story model of 260 thousand parameters, whose byte tokens write any text, and a client. */
final class TestServer implements AutoCloseable {
    static final String MODEL = "stories260K";
    static final Duration SOON = Duration.ofSeconds(30);

    /** Turns and tools as a template of the Hermes family has them, short. */
    static final String TEMPLATE = "{% if tools %}{{ tools | length }}{% endif %}"
            + "{% for m in messages %}{{ m.role[0] }}: {{ m.content }}\n{% endfor %}"
            + "{% if add_generation_prompt %}a: {% endif %}{# <tool_call></tool_call> #}";

    final Model model;
    final ServerMetrics metrics = new ServerMetrics();
    final LteServer server;
    private final String key;

    TestServer() {
        this(options -> options, options -> {});
    }

    TestServer(UnaryOperator<ServerOptions> how, Consumer<LoadOptions.Builder> load) {
        Path file = Path.of(
                Objects.requireNonNull(System.getProperty("lte.test.models")), "stories260K", "stories260K.bin");
        model = Lte.load(file, LoadOptions.of(options -> {
            options.chatTemplate(TEMPLATE).threads(1).listener(metrics);
            load.accept(options);
        }));
        ServerOptions options = how.apply(ServerOptions.of(MODEL).withPort(0));
        key = options.apiKey() == null ? "none" : options.apiKey();
        server = LteServer.start(model, metrics, options);
    }

    String url() {
        return "http://127.0.0.1:" + server.port();
    }

    record Answer(int status, String body) {
        JsonNode json() {
            return RequestFields.MAPPER.readTree(body);
        }

        JsonNode error() {
            return json().get("error");
        }

        /** The events of a stream but the end. */
        List<JsonNode> events() {
            return body.lines()
                    .filter(line -> line.startsWith("data: ") && !line.equals("data: [DONE]"))
                    .map(line -> RequestFields.MAPPER.readTree(line.substring(6)))
                    .toList();
        }
    }

    HttpClient client() {
        return HttpClient.newConnection()
                .baseUrl(url())
                .headers(headers -> headers.set(HttpHeaderNames.AUTHORIZATION, "Bearer " + key)
                        .set(HttpHeaderNames.CONTENT_TYPE, "application/json"));
    }

    Mono<Answer> posting(String path, String body) {
        return client().post()
                .uri(path)
                .send(ByteBufFlux.fromString(Mono.just(body.replace('\'', '"'))))
                .responseSingle((response, content) -> content.asString()
                        .defaultIfEmpty("")
                        .map(text -> new Answer(response.status().code(), text)));
    }

    /** Single quotes stand for double ones. */
    Answer post(String path, String body) {
        return Objects.requireNonNull(posting(path, body).block(SOON));
    }

    Answer chat(String more) {
        return post("/v1/chat/completions", chatBody(more));
    }

    static String chatBody(String more) {
        return "{'model':'" + MODEL + "','messages':[{'role':'user','content':'Once upon'}]" + more + "}";
    }

    Answer get(String path) {
        return Objects.requireNonNull(client().get()
                .uri(path)
                .responseSingle((response, content) -> content.asString()
                        .defaultIfEmpty("")
                        .map(text -> new Answer(response.status().code(), text)))
                .block(SOON));
    }

    /** What comes of a streamed chat, as it comes. */
    Flux<String> streaming(String more) {
        return client().post()
                .uri("/v1/chat/completions")
                .send(ByteBufFlux.fromString(
                        Mono.just(chatBody(",'stream':true" + more).replace('\'', '"'))))
                .responseContent()
                .asString();
    }

    /** Waits until no stream is left and every page of the cache is free or can be. */
    void awaitIdle() {
        for (long end = System.nanoTime() + SOON.toNanos(); ; ) {
            ModelStatus status = model.status();
            boolean idle = status.running() == 0
                    && status.waiting() == 0
                    && model.activeStreams() == 0
                    && server.activeAnswers() == 0
                    && status.freePages() + status.reusablePages() == status.cachePages();
            if (idle) {
                return;
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("not idle: " + status + ", answers " + server.activeAnswers());
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Override
    public void close() {
        server.close();
        model.close();
    }
}
