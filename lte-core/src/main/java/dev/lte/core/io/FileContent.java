package dev.lte.core.io;

import dev.lte.ModelFormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads whole files of bounded size; the largest tokenizers in use take 35 MB. */
public final class FileContent {
    private static final long LARGEST = 256L << 20;

    private FileContent() {}

    public static byte[] of(Path file) {
        try {
            long size = Files.size(file);
            if (size > LARGEST) {
                throw new ModelFormatException(
                        file, "size", ModelFormatException.NO_OFFSET, "at most " + LARGEST + " bytes", size + " bytes");
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
    }
}
