package dev.lte.core.source;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tiny checkpoints: those in the repository, and all of them if {@code -Dlte.fixtures} names their folder. */
public final class Fixtures {
    public static final List<String> FAMILIES = List.of(
            "llama2", "llama3", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "gpt2", "opt", "roberta");

    private Fixtures() {}

    /** A family's directory, which may lack its weights. */
    public static Path directory(String family) {
        String all = System.getProperty("lte.fixtures");
        if (all != null) {
            return Path.of(all, family);
        }
        return resource("fixtures/hf/" + family + "/config.json").getParent();
    }

    /** The families whose weights are at hand. */
    public static List<String> withWeights() {
        return FAMILIES.stream()
                .filter(family -> Files.exists(directory(family).resolve("model.safetensors")))
                .toList();
    }

    static byte[] config(String family) throws IOException {
        return Files.readAllBytes(directory(family).resolve("config.json"));
    }

    public static Path resource(String name) {
        @Nullable URL url = Fixtures.class.getResource("/dev/lte/core/" + name);
        if (url == null) {
            throw new IllegalArgumentException("no test resource " + name);
        }
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
