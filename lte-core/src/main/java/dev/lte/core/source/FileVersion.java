package dev.lte.core.source;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Tells one version of a model's files from another without reading them, as build tools do. */
public final class FileVersion {
    private FileVersion() {}

    /**
     * Name, size, time of the last change and identity of the file, or of every file of the directory.
     *
     * @throws UncheckedIOException if they cannot be listed
     */
    public static String of(Path model) {
        try (Stream<Path> files = Files.isDirectory(model) ? Files.list(model) : Stream.of(model)) {
            List<Path> sorted = files.filter(Files::isRegularFile).sorted().toList();
            return sorted.stream().map(FileVersion::describe).collect(Collectors.joining("\n"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String describe(Path file) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return file.getFileName() + " " + attributes.size() + " " + attributes.lastModifiedTime() + " "
                    + attributes.fileKey();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
