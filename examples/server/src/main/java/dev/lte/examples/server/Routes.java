package dev.lte.examples.server;

import dev.lte.GenerationEvent;
import dev.lte.Model;
import dev.lte.chat.ChatEvent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import java.io.ByteArrayOutputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Finds what a request asks for, checks that it may, and answers. Nothing here blocks. */
final class Routes implements BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> {
    private static final Pattern PORT = Pattern.compile(":[0-9]+$");
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]", "::1");
    private static final String MODELS = "/v1/models";

    private final Model model;
    private final ServerMetrics metrics;
    private final ServerOptions options;
    private final Page page = Page.load();
    private final long created = Instant.now().getEpochSecond();
    private final AtomicInteger active = new AtomicInteger();
    private volatile boolean draining;

    Routes(Model model, ServerMetrics metrics, ServerOptions options) {
        this.model = model;
        this.metrics = metrics;
        this.options = options;
    }

    int activeAnswers() {
        return active.get();
    }

    /** Refuses new answers; completes when the running ones have ended or their time is over. */
    Mono<Void> drain() {
        draining = true;
        return Flux.interval(Duration.ZERO, Duration.ofMillis(20))
                .takeUntil(tick -> active.get() == 0)
                .take(options.shutdownGrace())
                .then();
    }

    @Override
    public Publisher<Void> apply(HttpServerRequest request, HttpServerResponse response) {
        String path = request.fullPath();
        String route = route(path);
        IntConsumer told = status -> metrics.answered(route, status);
        return Mono.defer(() -> {
                    requireLocalName(request);
                    return answer(request, response, path, route, told);
                })
                .onErrorResume(
                        failure -> !response.hasSentHeaders(), failure -> HttpAnswers.error(response, failure, told));
    }

    /** Paths with a part that varies have one name in metrics; unknown ones have one too. */
    private static String route(String path) {
        return switch (path) {
            case "/", "/health", "/metrics", MODELS, "/v1/chat/completions", "/v1/completions", "/v1/embeddings" ->
                path;
            default -> path.startsWith(MODELS + "/") ? MODELS + "/{model}" : "unknown";
        };
    }

    private Mono<Void> answer(
            HttpServerRequest request, HttpServerResponse response, String path, String route, IntConsumer told) {
        boolean open = route.equals("/") || route.equals("/health");
        if (!open) {
            requireKey(request);
        }
        return switch (route) {
            case "/" -> get(request, () -> page.send(response, told));
            case "/health" -> get(request, () -> health(response, told));
            case "/metrics" ->
                get(request, () -> {
                    told.accept(200);
                    byte[] text = metrics.scrape().getBytes(StandardCharsets.UTF_8);
                    return HttpAnswers.bytes(response, 200, "text/plain; version=0.0.4; charset=utf-8", text);
                });
            case MODELS -> get(request, () -> models(response, told));
            case MODELS + "/{model}" ->
                get(request, () -> {
                    requireModel(URLDecoder.decode(path.substring(MODELS.length() + 1), StandardCharsets.UTF_8));
                    told.accept(200);
                    return HttpAnswers.json(
                            response, 200, ResponseBodies.model(options.modelId(), created, model.info()));
                });
            case "/v1/chat/completions" -> post(request, body -> chat(response, body, told));
            case "/v1/completions" -> post(request, body -> complete(response, body, told));
            case "/v1/embeddings" ->
                post(request, body -> {
                    throw ApiException.invalid(
                            "model", "The model generates text; it has no embeddings.", "embeddings_not_supported");
                });
            default ->
                throw new ApiException(
                        404,
                        "invalid_request_error",
                        "Unknown request URL: " + request.method() + " " + path,
                        null,
                        "unknown_url");
        };
    }

    private interface Answer {
        Mono<Void> send();
    }

    private interface BodyAnswer {
        Mono<Void> send(RequestFields body);
    }

    private static Mono<Void> get(HttpServerRequest request, Answer answer) {
        requireMethod(request, HttpMethod.GET);
        return answer.send();
    }

    private Mono<Void> post(HttpServerRequest request, BodyAnswer answer) {
        requireMethod(request, HttpMethod.POST);
        if (draining) {
            throw ApiException.unavailable("The server is shutting down.");
        }
        // Pages of other sites cannot send this type without asking first, which is never allowed.
        String type = request.requestHeaders().get(HttpHeaderNames.CONTENT_TYPE, "");
        if (!type.toLowerCase(Locale.ROOT).startsWith(HttpAnswers.JSON)) {
            throw new ApiException(
                    415,
                    "invalid_request_error",
                    "Expected Content-Type: application/json.",
                    null,
                    "unsupported_media_type");
        }
        return body(request).map(RequestFields::parse).flatMap(answer::send);
    }

    private static void requireMethod(HttpServerRequest request, HttpMethod method) {
        if (!request.method().equals(method)) {
            throw new ApiException(
                    405, "invalid_request_error", "Only " + method + " is allowed here.", null, "method_not_allowed");
        }
    }

    private Mono<byte[]> body(HttpServerRequest request) {
        String declared = request.requestHeaders().get(HttpHeaderNames.CONTENT_LENGTH, "0");
        if (declared.length() > 18 || Long.parseLong(declared) > options.maxBodyBytes()) {
            throw tooLarge();
        }
        return request.receive()
                .asByteArray()
                .collect(ByteArrayOutputStream::new, (all, part) -> {
                    if (all.size() + part.length > options.maxBodyBytes()) {
                        throw tooLarge();
                    }
                    all.writeBytes(part);
                })
                .map(ByteArrayOutputStream::toByteArray);
    }

    private ApiException tooLarge() {
        return new ApiException(
                413,
                "invalid_request_error",
                "The request has more than " + options.maxBodyBytes() + " bytes.",
                null,
                "request_too_large");
    }

    private void requireKey(HttpServerRequest request) {
        String key = options.apiKey();
        if (key == null) {
            return;
        }
        String sent = request.requestHeaders().get(HttpHeaderNames.AUTHORIZATION, "");
        boolean right = MessageDigest.isEqual(
                ("Bearer " + key).getBytes(StandardCharsets.UTF_8), sent.getBytes(StandardCharsets.UTF_8));
        if (!right) {
            throw new ApiException(
                    401,
                    "invalid_request_error",
                    sent.isEmpty()
                            ? "An API key is required: Authorization: Bearer KEY."
                            : "Incorrect API key provided.",
                    null,
                    "invalid_api_key");
        }
    }

    /**
     * Without a key and on the loopback address, only names of this machine are answered: another name means that a page of
     * another site had its name resolved to here.
     */
    private void requireLocalName(HttpServerRequest request) {
        if (options.apiKey() != null || !LOOPBACK.contains(options.host())) {
            return;
        }
        String host = request.requestHeaders().get(HttpHeaderNames.HOST, "");
        String name = PORT.matcher(host).replaceFirst("");
        if (!LOOPBACK.contains(name.toLowerCase(Locale.ROOT))) {
            throw new ApiException(
                    403, "invalid_request_error", "This server answers to localhost only.", null, "wrong_host");
        }
    }

    private void requireModel(String asked) {
        if (!asked.equals(options.modelId())) {
            throw new ApiException(
                    404,
                    "invalid_request_error",
                    "The model '" + asked + "' does not exist; this server has '" + options.modelId() + "'.",
                    "model",
                    "model_not_found");
        }
    }

    private Mono<Void> health(HttpServerResponse response, IntConsumer told) {
        int status = draining ? 503 : 200;
        told.accept(status);
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("status", draining ? "draining" : "ok");
        return HttpAnswers.json(response, status, body);
    }

    private Mono<Void> models(HttpServerResponse response, IntConsumer told) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("object", "list");
        body.putArray("data").add(ResponseBodies.model(options.modelId(), created, model.info()));
        told.accept(200);
        return HttpAnswers.json(response, 200, body);
    }

    private Mono<Void> chat(HttpServerResponse response, RequestFields body, IntConsumer told) {
        ChatCompletionRequest request = ChatCompletionRequest.read(body);
        requireModel(request.model());
        LiveSparsity live = new LiveSparsity();
        AnswerWriter<ChatEvent> writer =
                new ChatAnswerWriter(newId(), Instant.now().getEpochSecond(), options.modelId(), request, live);
        Flux<ChatEvent> events = model.chat(request.chat());
        if (request.streaming().includeSparsity()) {
            events = events.contextWrite(context -> context.put(LiveSparsity.class, live));
        }
        return send(response, events, writer, request.streaming(), told);
    }

    private Mono<Void> complete(HttpServerResponse response, RequestFields body, IntConsumer told) {
        CompletionRequest request = CompletionRequest.read(body);
        requireModel(request.model());
        AnswerWriter<GenerationEvent> writer =
                new CompletionAnswerWriter(newId(), Instant.now().getEpochSecond(), options.modelId(), request);
        return send(response, model.generate(request.generation()), writer, request.streaming(), told);
    }

    private <E> Mono<Void> send(
            HttpServerResponse response,
            Flux<E> events,
            AnswerWriter<E> writer,
            GenerationFields.Streaming streaming,
            IntConsumer told) {
        return Mono.defer(() -> {
            active.incrementAndGet();
            return (streaming.stream()
                            ? HttpAnswers.stream(response, events, writer, told)
                            : HttpAnswers.whole(response, events, writer, told))
                    .doFinally(signal -> active.decrementAndGet());
        });
    }

    private static String newId() {
        byte[] random = new byte[12];
        ThreadLocalRandom.current().nextBytes(random);
        return HexFormat.of().formatHex(random);
    }
}
