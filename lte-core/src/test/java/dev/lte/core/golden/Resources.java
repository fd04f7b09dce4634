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

/** Folders of test resources as folders of files, which can be mapped. */
final class Resources {
    private Resources() {}

    /**
     * @param name of a folder that only test resources have
     * @param temporary where copies go if the resources are in a jar
     */
    static Path folder(String name, Path temporary) throws IOException {
        URL resource = Resources.class.getResource(name);
        if (resource == null) {
            throw new IllegalStateException("expected the resource " + name + " in lte-core's tests, found none");
        }
        try {
            URI uri = resource.toURI();
            if (!uri.getScheme().equals("jar")) {
                return Path.of(uri);
            }
            try (FileSystem jar = FileSystems.newFileSystem(uri, Map.of())) {
                Path target = temporary.resolve(String.valueOf(jar.getPath(name).getFileName()));
                copy(jar.getPath(name), target);
                return target;
            }
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
