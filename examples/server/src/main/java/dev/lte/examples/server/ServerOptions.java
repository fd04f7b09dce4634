package dev.lte.examples.server;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How to serve.
 *
 * @param host address to listen on; the loopback address unless others may come
 * @param port 0 for any that is free
 * @param modelId what clients call the model
 * @param apiKey what clients must send as bearer token, or null for none
 * @param maxBodyBytes of a request
 * @param shutdownGrace how long running answers may take to end when the server closes
 */
public record ServerOptions(
        String host, int port, String modelId, @Nullable String apiKey, int maxBodyBytes, Duration shutdownGrace) {
    public ServerOptions {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("port: expected 0 to 65535, found " + port);
        }
        if (maxBodyBytes < 1) {
            throw new IllegalArgumentException("maxBodyBytes: expected 1 or more, found " + maxBodyBytes);
        }
        if (apiKey != null && apiKey.isBlank()) {
            throw new IllegalArgumentException("apiKey: expected a key or none, found a blank one");
        }
    }

    /** On the loopback address, without key, 4 MiB of request, 10 seconds to end. */
    public static ServerOptions of(String modelId) {
        return new ServerOptions("127.0.0.1", 8080, modelId, null, 4 << 20, Duration.ofSeconds(10));
    }

    public ServerOptions withHost(String value) {
        return new ServerOptions(value, port, modelId, apiKey, maxBodyBytes, shutdownGrace);
    }

    public ServerOptions withPort(int value) {
        return new ServerOptions(host, value, modelId, apiKey, maxBodyBytes, shutdownGrace);
    }

    public ServerOptions withApiKey(@Nullable String value) {
        return new ServerOptions(host, port, modelId, value, maxBodyBytes, shutdownGrace);
    }

    public ServerOptions withMaxBodyBytes(int value) {
        return new ServerOptions(host, port, modelId, apiKey, value, shutdownGrace);
    }

    public ServerOptions withShutdownGrace(Duration value) {
        return new ServerOptions(host, port, modelId, apiKey, maxBodyBytes, value);
    }
}
