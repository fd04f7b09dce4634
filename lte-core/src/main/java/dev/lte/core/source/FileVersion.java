package dev.lte.core.source;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Tells one version of a model's files from another without reading them, as build tools do. ({@code ModelFingerprint} looks at
 * weights, of which it samples too few to notice every change.)
 */
public final class FileVersion {
    private FileVersion() {}

    /**
     * Name, size, time of the last change and identity of the file, or of every file of the directory.
     *
     * @throws IOException if they cannot be listed
     */
    public static String of(Path model) throws IOException {
        List<String> files = new ArrayList<>();
        try (Stream<Path> found = Files.isDirectory(model) ? Files.list(model) : Stream.of(model)) {
            for (Path file : found.filter(Files::isRegularFile).sorted().toList()) {
                BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
                files.add(file.getFileName() + " " + attributes.size() + " " + attributes.lastModifiedTime() + " "
                        + attributes.fileKey());
            }
        }
        return String.join("\n", files);
    }
}
