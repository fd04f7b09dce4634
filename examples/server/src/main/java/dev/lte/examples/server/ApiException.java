package dev.lte.examples.server;

import dev.lte.CapacityException;
import dev.lte.ContextOverflowException;
import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import dev.lte.ModelClosedException;
import dev.lte.UnsupportedModelException;
import dev.lte.UnsupportedSchemaException;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** An error as OpenAI's protocol tells it. */
final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String type;
    private final @Nullable String param;
    private final @Nullable String code;

    ApiException(int status, String type, String message, @Nullable String param, @Nullable String code) {
        super(message, null, false, false);
        this.status = status;
        this.type = type;
        this.param = param;
        this.code = code;
    }

    /** A request that cannot be understood or honoured. */
    static ApiException invalid(@Nullable String param, String message) {
        return new ApiException(400, "invalid_request_error", message, param, null);
    }

    static ApiException invalid(@Nullable String param, String message, String code) {
        return new ApiException(400, "invalid_request_error", message, param, code);
    }

    /** What a failure means to a client. Failures that are no fault of the request keep their details to the log. */
    static ApiException of(Throwable failure) {
        return switch (failure) {
            case ApiException error -> error;
            case InvalidRequestException error -> invalid(snakeCase(error.option()), message(error));
            case ContextOverflowException error -> invalid("messages", message(error), "context_length_exceeded");
            case UnsupportedSchemaException error ->
                invalid(
                        error.path().startsWith("#") ? "response_format" : "tools",
                        "Invalid schema: " + message(error),
                        "invalid_json_schema");
            case UnsupportedModelException error -> invalid(null, message(error), "unsupported");
            case CapacityException error ->
                new ApiException(429, "rate_limit_error", message(error), null, "rate_limit_exceeded");
            case ModelClosedException error -> unavailable("The model is being shut down.");
            case LteException error ->
                new ApiException(500, "server_error", "The model failed; see the server's log.", null, "model_failed");
            default -> new ApiException(500, "server_error", "The server failed; see its log.", null, null);
        };
    }

    private static String message(LteException error) {
        return Objects.toString(error.getMessage(), "");
    }

    /** Options are named as in requests. */
    private static String snakeCase(String option) {
        return option.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }

    static ApiException unavailable(String message) {
        return new ApiException(503, "server_error", message, null, "unavailable");
    }

    int status() {
        return status;
    }

    /** {@code {"error": {"message", "type", "param", "code"}}} */
    ObjectNode body() {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("error")
                .put("message", getMessage())
                .put("type", type)
                .put("param", param)
                .put("code", code);
        return body;
    }
}
