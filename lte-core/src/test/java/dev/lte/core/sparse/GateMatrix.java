package dev.lte.core.sparse;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A first linear map of a real FFN. The name ends in neurons x features. {@code -Dlte.gates=DIR} names a folder with more
 * than the resources.
 */
record GateMatrix(String name, int neurons, int features, float[] values) {
    private static final List<String> RESOURCES = List.of(
            "stories260K-layer0-172x64.f32",
            "stories260K-layer4-172x64.f32",
            "tinystories656k-layer1-384x128.f32",
            "berttiny-layer0-512x128.f32");

    static List<GateMatrix> all() throws IOException {
        @Nullable String folder = System.getProperty("lte.gates");
        if (folder == null) {
            return RESOURCES.stream().map(GateMatrix::resource).toList();
        }
        try (Stream<Path> files = Files.list(Path.of(folder))) {
            return files.sorted().map(GateMatrix::file).toList();
        }
    }

    static GateMatrix resource(String name) {
        try (InputStream in = Objects.requireNonNull(GateMatrix.class.getResourceAsStream(name), name)) {
            return of(name, in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static GateMatrix file(Path file) {
        try {
            return of(file.getFileName().toString(), Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static GateMatrix of(String name, byte[] bytes) {
        String shape = name.substring(name.lastIndexOf('-') + 1, name.lastIndexOf('.'));
        int times = shape.indexOf('x');
        float[] values = new float[bytes.length / 4];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        int neurons = Integer.parseInt(shape.substring(0, times));
        int features = Integer.parseInt(shape.substring(times + 1));
        if (values.length != neurons * features) {
            throw new IllegalStateException(name + " has " + values.length + " values");
        }
        return new GateMatrix(name, neurons, features, values);
    }

    RowReader rows() {
        return RowReader.of(values, features);
    }

    @Override
    public String toString() {
        return name;
    }
}
