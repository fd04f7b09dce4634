package dev.lte.examples.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.SparsifyOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * The page in a headless Chromium; skipped where {@code chromium} and {@code chromedriver} are not installed. Its model is the story
 * model with routers that were fitted to it here, or the one that {@code lte.page.model} names; {@code lte.page.screenshot} keeps a
 * picture.
 */
class PageTest {
    private static final String SHARES =
            "return [...document.querySelectorAll('#heat .cell')].filter(c => c.dataset.share).map(c => c.dataset.share)";
    private static final String ANSWERS = "return [...document.querySelectorAll('.assistant')].map(e => e.textContent)";
    private static final String IDLE = "return document.getElementById('stop').disabled";

    @TempDir
    private Path folder;

    private Path model() {
        String named = System.getProperty("lte.page.model");
        if (named != null) {
            return Path.of(named);
        }
        Path source =
                Path.of(Objects.requireNonNull(System.getProperty("lte.examples.models")), "tinystories-656k.gguf");
        Path sparse = folder.resolve("sparse.gguf");
        Lte.sparsify(
                source,
                sparse,
                SparsifyOptions.of(0.5, options -> options.calibrationTokens(1024)),
                LoadOptions.defaults());
        return sparse;
    }

    private static void say(Browser browser, String text) {
        browser.type("input", text);
        browser.click("send");
    }

    private static int answers(Browser browser) {
        return browser.run(ANSWERS).size();
    }

    private static void awaitIdle(Browser browser) {
        browser.await(IDLE, JsonNode::booleanValue);
    }

    @Test
    @Timeout(120)
    void typingStreamingStoppingAndTurningTheDial() throws IOException {
        Optional<Browser.Installed> installed = Browser.Installed.find();
        assumeTrue(installed.isPresent(), "chromium and chromedriver are not installed");
        ServerMetrics metrics = new ServerMetrics();
        LoadOptions load = LoadOptions.of(options -> options.chatTemplate(
                        "{% for m in messages %}{{ m.content }}{% if m.role != 'user' %}\n{% endif %}{% endfor %}")
                .threads(1)
                .listener(metrics));
        try (Model model = Lte.load(model(), load);
                LteServer server = LteServer.start(
                        model, metrics, ServerOptions.of("story").withPort(0));
                Browser browser = new Browser(installed.orElseThrow(), folder.resolve("profile"))) {
            browser.open("http://127.0.0.1:" + server.port() + "/");
            browser.await("return document.getElementById('tau').disabled", disabled -> !disabled.booleanValue());
            browser.set("maxTokens", 300);
            browser.set("temperature", 1);

            say(browser, "Once upon a time");
            awaitIdle(browser);
            JsonNode first = browser.run(SHARES);
            String rate = browser.text("rate");
            String skipped = browser.text("skipped");
            assertThat(browser.run(ANSWERS).get(0).stringValue()).hasSizeGreaterThan(20);
            assertThat(rate).matches("[0-9.]+");
            assertThat(first.size()).isEqualTo(model.info().layers());

            browser.set("tau", 0.95);
            assertThat(browser.text("tauValue")).isEqualTo("0.95");
            say(browser, "Once there was a dog");
            awaitIdle(browser);
            JsonNode second = browser.run(SHARES);
            assertThat(second.size()).isEqualTo(2 * first.size());
            assertThat(browser.text("rate")).matches("[0-9.]+").isNotEqualTo(rate);
            assertThat(percent(browser.text("skipped"))).isGreaterThan(percent(skipped) + 5);

            stop(browser);
            browser.set(
                    "tau",
                    model.info().routing() == null
                            ? 0.5
                            : model.info().routing().threshold());
            browser.set("maxTokens", 60);
            say(browser, "One day");
            awaitIdle(browser);
            keep(browser.screenshot());
            assertThat(browser.run("return document.querySelectorAll('.error').length")
                            .intValue())
                    .isZero();
        }
    }

    /** A small model may have ended before anybody can stop it, so that it is tried again. */
    private static void stop(Browser browser) {
        String last = "";
        for (int attempt = 0; attempt < 20 && !last.endsWith("stopped"); attempt++) {
            int before = answers(browser);
            // In one go: the browser stops as soon as the answer has begun.
            browser.run(
                    "new MutationObserver((changes, observer) => {"
                            + " const turn = document.querySelectorAll('.assistant')[arguments_];"
                                    .replace("arguments_", Integer.toString(before))
                            + " if (turn && turn.textContent.length > 2) { observer.disconnect(); document.getElementById('stop').click(); }"
                            + "}).observe(document.getElementById('log'), { childList: true, subtree: true, characterData: true });");
            say(browser, "Once upon a time");
            browser.await(ANSWERS, answers -> answers.size() > before);
            awaitIdle(browser);
            JsonNode answers = browser.run(ANSWERS);
            last = answers.get(answers.size() - 1).stringValue();
        }
        assertThat(last).endsWith("stopped");
        assertThat(browser.run(ANSWERS).get(answers(browser) - 1).stringValue()).isEqualTo(last);
    }

    private static double percent(String text) {
        return Double.parseDouble(text.replace("%", "").strip());
    }

    private static void keep(byte[] picture) throws IOException {
        assertThat(picture).hasSizeGreaterThan(5_000);
        String file = System.getProperty("lte.page.screenshot");
        if (file != null) {
            Files.write(Path.of(file), picture);
        }
    }
}
