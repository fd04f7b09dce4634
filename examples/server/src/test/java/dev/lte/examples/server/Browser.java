package dev.lte.examples.server;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A headless Chromium, by the protocol of WebDriver (W3C recommendation), which its chromedriver speaks. */
final class Browser implements AutoCloseable {
    private static final Pattern PORT = Pattern.compile("successfully on port (\\d+)");
    private static final long SOON_NANOS = 30_000_000_000L;
    private static final String ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

    private final HttpClient client = HttpClient.newHttpClient();
    private final Process driver;
    private final String session;

    /** Where chromedriver and Chromium are, if both are installed. */
    record Installed(Path driver, Path chromium) {
        static Optional<Installed> find() {
            Optional<Path> driver = onPath("chromedriver");
            Optional<Path> chromium = Stream.of("chromium", "chromium-browser", "google-chrome")
                    .flatMap(name -> onPath(name).stream())
                    .findFirst();
            return driver.flatMap(d -> chromium.map(c -> new Installed(d, c)));
        }

        private static Optional<Path> onPath(String name) {
            return Stream.of(Objects.requireNonNullElse(System.getenv("PATH"), "")
                            .split(File.pathSeparator))
                    .map(folder -> Path.of(folder, name))
                    .filter(Files::isExecutable)
                    .findFirst();
        }
    }

    Browser(Installed installed, Path profile) throws IOException {
        driver = new ProcessBuilder(installed.driver().toString(), "--port=0")
                .redirectErrorStream(true)
                .start();
        String base = "http://127.0.0.1:" + port(driver.inputReader());
        ObjectNode request = JsonNodeFactory.instance.objectNode();
        ObjectNode options =
                request.putObject("capabilities").putObject("alwaysMatch").putObject("goog:chromeOptions");
        options.put("binary", installed.chromium().toString())
                .putArray("args")
                .add("--headless=new")
                .add("--no-sandbox")
                .add("--disable-gpu")
                .add("--disable-dev-shm-usage")
                .add("--window-size=1100,820")
                .add("--user-data-dir=" + profile);
        try {
            String id =
                    send("POST", base + "/session", request).get("sessionId").stringValue();
            session = base + "/session/" + id;
        } catch (RuntimeException e) {
            driver.destroyForcibly();
            throw e;
        }
    }

    private static String port(BufferedReader output) throws IOException {
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            Matcher matcher = PORT.matcher(line);
            if (matcher.find()) {
                return matcher.group(1);
            }
        }
        throw new IOException("chromedriver ended without telling its port");
    }

    private JsonNode send(String method, String url, ObjectNode body) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(method.equals("GET") ? "" : body.toString()))
                .build();
        try {
            HttpResponse<String> response =
                    client.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
            JsonNode value = RequestFields.MAPPER.readTree(response.body()).get("value");
            if (response.statusCode() != 200) {
                throw new IllegalStateException(value.toString());
            }
            return value;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static ObjectNode body() {
        return JsonNodeFactory.instance.objectNode();
    }

    void open(String url) {
        send("POST", session + "/url", body().put("url", url));
    }

    /** Runs the body of a function, with arguments. */
    JsonNode run(String script, Object... arguments) {
        ObjectNode request = body().put("script", script);
        ArrayNode list = request.putArray("args");
        for (Object argument : arguments) {
            list.addPOJO(argument);
        }
        return send("POST", session + "/execute/sync", request);
    }

    String text(String id) {
        return run("return document.getElementById(arguments[0]).textContent", id)
                .stringValue();
    }

    /** Types into an element as a person would. */
    void type(String id, String keys) {
        send("POST", session + "/element/" + element(id) + "/value", body().put("text", keys));
    }

    void click(String id) {
        send("POST", session + "/element/" + element(id) + "/click", body());
    }

    private String element(String id) {
        return send(
                        "POST",
                        session + "/element",
                        body().put("using", "css selector").put("value", "#" + id))
                .get(ELEMENT)
                .stringValue();
    }

    /** Sets a field, and tells the page, as moving it does. */
    void set(String id, Object value) {
        run(
                "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
                        + " e.dispatchEvent(new Event('input'));",
                id,
                value);
    }

    /** Waits until a script returns what is looked for. */
    JsonNode await(String script, Predicate<JsonNode> wanted) {
        for (long end = System.nanoTime() + SOON_NANOS; ; ) {
            JsonNode found = run(script);
            if (wanted.test(found)) {
                return found;
            }
            if (System.nanoTime() > end) {
                throw new AssertionError(script + " is " + found);
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    byte[] screenshot() {
        return Base64.getDecoder()
                .decode(send("GET", session + "/screenshot", body()).stringValue());
    }

    @Override
    public void close() {
        try {
            send("DELETE", session, body());
        } finally {
            List<ProcessHandle> all = Stream.concat(driver.descendants(), Stream.of(driver.toHandle()))
                    .toList();
            all.forEach(ProcessHandle::destroy);
        }
    }
}
