package dev.lte.core.source;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.zip.GZIPInputStream;
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

    /** A test resource; where only its {@code .gz} is in the repository, that is unpacked beside it at its first use. */
    public static Path resource(String name) {
        Path plain = find(name);
        if (plain != null) {
            return plain;
        }
        Path packed = find(name + ".gz");
        if (packed == null) {
            throw new IllegalArgumentException("no test resource " + name);
        }
        return unpack(packed);
    }

    private static @Nullable Path find(String name) {
        URL url = Fixtures.class.getResource("/dev/lte/core/" + name);
        try {
            return url == null ? null : Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Path unpack(Path packed) {
        Path target = packed.resolveSibling(String.valueOf(packed.getFileName()).replaceFirst("\\.gz$", ""));
        try {
            Path part = Files.createTempFile(packed.getParent(), "unpacking", null);
            try (InputStream in = new GZIPInputStream(Files.newInputStream(packed))) {
                Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
            }
            return Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack " + packed, e);
        }
    }
}
