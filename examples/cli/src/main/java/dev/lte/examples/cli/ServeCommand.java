package dev.lte.examples.cli;

import dev.lte.LoadOptions;
import dev.lte.Model;
import dev.lte.examples.server.LteServer;
import dev.lte.examples.server.ServerMetrics;
import dev.lte.examples.server.ServerOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lte serve} */
@Command(
        name = "serve",
        description =
                "Serves a model over HTTP as OpenAI's protocol has it, with a web page to chat in, until interrupted.",
        footer = {
            "",
            "Clients of OpenAI work with the base URL http://HOST:PORT/v1. Metrics for Prometheus are at /metrics."
        })
final class ServeCommand implements Callable<Integer> {
    /** For the story model, which knows no turns: it goes on with what was said. */
    private static final String PLAIN_TEXT =
            "{% for message in messages %}{{ message.content }}{% if not loop.last %} {% endif %}{% endfor %}";

    private static final String KEY_VARIABLE = "LTE_API_KEY";

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model;

    @Mixin
    private CachedLoadOptionsMixin how;

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "Address to listen on; 0.0.0.0 lets other machines in. Default: 127.0.0.1.")
    private String host;

    @Option(
            names = {"-p", "--port"},
            paramLabel = "N",
            defaultValue = "8080",
            description = "Port; 0 for any that is free. Default: 8080.")
    private int port;

    @Option(
            names = "--name",
            paramLabel = "ID",
            description = "What clients call the model. Default: the name of its file.")
    private @Nullable String name;

    @Option(
            names = "--api-key-file",
            paramLabel = "FILE",
            description =
                    "File with the key that clients must send. Default: the environment variable LTE_API_KEY, if set.")
    private @Nullable Path keyFile;

    @Option(
            names = "--chat-template",
            paramLabel = "FILE",
            description = "Jinja template to use instead of the model's own.")
    private @Nullable Path template;

    @Option(
            names = "--streams",
            paramLabel = "N",
            defaultValue = "8",
            description = "Answers that are generated together. Default: 8.")
    private int streams;

    @Option(
            names = "--queue",
            paramLabel = "N",
            defaultValue = "64",
            description = "Answers that may wait; one more is refused with 429. Default: 64.")
    private int queue;

    @Option(
            names = "--cache",
            paramLabel = "MIB",
            defaultValue = "512",
            description = "Memory for keys and values of all answers. Default: 512.")
    private int cache;

    @Override
    public Integer call() throws IOException {
        ServerMetrics metrics = new ServerMetrics();
        ServerOptions options = options();
        CountDownLatch interrupted = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        Thread hook = new Thread(() -> stop(interrupted, closed, options.shutdownGrace()), "lte-serve-stop");
        try (Model loaded = model.load(how, load -> describe(load, metrics));
                LteServer server = LteServer.start(loaded, metrics, options)) {
            Runtime.getRuntime().addShutdownHook(hook);
            say("Serving " + options.modelId() + " at http://" + options.host() + ":" + server.port()
                    + "/ ; Ctrl-C ends.");
            await(interrupted);
        } finally {
            closed.countDown();
        }
        return 0;
    }

    private ServerOptions options() throws IOException {
        String key = keyFile == null
                ? System.getenv(KEY_VARIABLE)
                : Files.readString(keyFile).strip();
        if (key != null && key.isBlank()) {
            throw new ParameterException(spec.commandLine(), "the API key is blank");
        }
        if (port < 0 || port > 65_535) {
            throw new ParameterException(spec.commandLine(), "--port: expected 0 to 65535, found " + port);
        }
        if (key == null && !InetAddress.getByName(host).isLoopbackAddress()) {
            say("warning: everybody who reaches this machine can use the model; set " + KEY_VARIABLE
                    + " or --api-key-file");
        }
        String file = model.path().toAbsolutePath().getFileName().toString();
        String id = name == null ? file.replaceFirst("\\.(gguf|bin)$", "") : name;
        return ServerOptions.of(id).withHost(host).withPort(port).withApiKey(key);
    }

    private void describe(LoadOptions.Builder load, ServerMetrics metrics) {
        load.maxStreams(streams)
                .maxQueued(queue)
                .cacheBytes((long) cache << 20)
                .prefixCache(true)
                .listener(metrics);
        if (template != null) {
            try {
                load.chatTemplate(Files.readString(template));
            } catch (IOException e) {
                throw new ParameterException(spec.commandLine(), "--chat-template: cannot read " + template + ": " + e);
            }
        } else if (model.isStoryModel()) {
            load.chatTemplate(PLAIN_TEXT);
        }
    }

    private void say(String line) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("lte: " + line);
        err.flush();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Runs while the JVM shuts down, which waits for it. */
    private static void stop(CountDownLatch interrupted, CountDownLatch closed, Duration grace) {
        interrupted.countDown();
        try {
            if (!closed.await(grace.plusSeconds(10).toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS)) {
                System.getLogger(ServeCommand.class.getName())
                        .log(System.Logger.Level.WARNING, "the server did not end in time");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
