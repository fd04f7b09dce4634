package dev.lte.core.golden;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Where the checkpoints are: the folder that the property {@code lte.fixtures} names, or the project's own copies. */
final class OwnFixtures {
    private static final String RESOURCE = "/dev/lte/core/fixtures/hf";

    private OwnFixtures() {}

    /** @param temporary where copies go if the resources are in a jar, which cannot be mapped */
    static Path folder(Path temporary) throws IOException {
        String given = System.getProperty("lte.fixtures");
        if (given != null) {
            return Path.of(given);
        }
        URL resource = OwnFixtures.class.getResource(RESOURCE);
        if (resource == null) {
            throw new IllegalStateException("expected the resource " + RESOURCE + " in lte-core's tests, found none");
        }
        try {
            URI uri = resource.toURI();
            if (!uri.getScheme().equals("jar")) {
                return Path.of(uri);
            }
            try (FileSystem jar = FileSystems.newFileSystem(uri, Map.of())) {
                copy(jar.getPath(RESOURCE), temporary);
            }
            return temporary;
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> tree = Files.walk(from)) {
            List<Path> paths = tree.toList();
            for (Path path : paths) {
                Path target = to.resolve(from.relativize(path).toString());
                if (Files.isDirectory(path)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(path, target);
                }
            }
        }
    }
}
