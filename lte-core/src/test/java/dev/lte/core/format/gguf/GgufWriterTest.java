package dev.lte.core.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.Progress;
import dev.lte.backend.DType;
import dev.lte.core.format.TensorBody;
import dev.lte.core.fuzz.AllocatedBytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufWriterTest {
    @TempDir
    private Path directory;

    private static GgufWriter.Entry entry(String name, DType dtype, byte[] bytes, Long... shape) {
        return new GgufWriter.Entry(name, dtype, List.of(shape), TensorBody.of(MemorySegment.ofArray(bytes)));
    }

    private Path target() {
        return directory.resolve("model.gguf");
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    @Test
    void writesWhatTheSpecificationSays() throws IOException {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("a", "é");
        metadata.put("b", 7L);
        GgufWriter.write(
                target(),
                metadata,
                List.of(
                        entry("w", DType.F32, GgufBytes.floats(1, 2, 3, 4, 5, 6), 2L, 3L),
                        entry("v", DType.F16, new byte[] {1, 2}, 1L)));
        byte[] expected = GgufBytes.header(3, 2, 2)
                .key("a", GgufValueType.STRING)
                .string("é")
                .key("b", GgufValueType.UINT32)
                .int32(7)
                .tensor("w", 0, 0, 3, 2)
                .tensor("v", 1, 32, 1)
                .align()
                .raw(GgufBytes.floats(1, 2, 3, 4, 5, 6))
                .align()
                .raw((byte) 1, (byte) 2)
                .align()
                .bytes();
        assertThat(Files.readAllBytes(target())).isEqualTo(expected);
    }

    @Test
    void everyValueComesBack() {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("flag", true);
        metadata.put("int32", -5);
        metadata.put("uint32", 4294967295L);
        metadata.put("uint64", 1L << 40);
        metadata.put("int64", -1L);
        metadata.put("float", 0.1f);
        metadata.put("double", 0.25);
        metadata.put("text", "▁😀");
        metadata.put("flags", new boolean[] {true, false});
        metadata.put("ints", new int[] {1, -1});
        metadata.put("small", new long[] {3, -4});
        metadata.put("large", new long[] {3, 1L << 50});
        metadata.put("floats", new float[] {0.5f, -0f});
        metadata.put("doubles", new double[] {1e-300});
        metadata.put("texts", new String[] {"", "x"});
        metadata.put("none", new String[0]);
        GgufWriter.write(target(), metadata, List.of());
        try (GgufFile file = GgufFile.open(target())) {
            Map<String, Object> values = file.metadata().values();
            assertThat(values.keySet()).containsExactlyElementsOf(metadata.keySet());
            assertThat(values.get("flag")).isEqualTo(true);
            assertThat(values.get("int32")).isEqualTo(-5L);
            assertThat(values.get("uint32")).isEqualTo(4294967295L);
            assertThat(values.get("uint64")).isEqualTo(1L << 40);
            assertThat(values.get("int64")).isEqualTo(-1L);
            assertThat(values.get("float")).isEqualTo((double) 0.1f);
            assertThat(values.get("double")).isEqualTo(0.25);
            assertThat(values.get("ints")).isEqualTo(new long[] {1, -1});
            for (String key : List.of("text", "flags", "small", "large", "floats", "doubles", "texts", "none")) {
                assertThat(values.get(key)).as(key).isEqualTo(metadata.get(key));
            }
            // What was read can be written.
            Path again = directory.resolve("again.gguf");
            GgufWriter.write(again, values, List.of());
            try (GgufFile second = GgufFile.open(again)) {
                assertThat(second.metadata().values())
                        .usingRecursiveComparison()
                        .isEqualTo(values);
            }
        }
    }

    @Test
    void tensorsOfEveryTypeComeBack() {
        Random random = new Random(3);
        List<GgufWriter.Entry> entries = new ArrayList<>();
        Map<String, byte[]> bodies = new LinkedHashMap<>();
        for (DType dtype : DType.values()) {
            byte[] bytes = new byte[3 * dtype.blockBytes()];
            random.nextBytes(bytes);
            bodies.put(dtype.name(), bytes);
            entries.add(entry(dtype.name(), dtype, bytes, 3L, (long) dtype.blockSize()));
        }
        GgufWriter.write(target(), Map.of(), entries);
        try (GgufFile file = GgufFile.open(target())) {
            assertThat(file.tensors()).hasSize(DType.values().length);
            bodies.forEach((name, bytes) -> {
                var tensor = Objects.requireNonNull(file.find(name));
                assertThat(tensor.dtype().name()).isEqualTo(name);
                assertThat(tensor.shape())
                        .containsExactly(3L, (long) tensor.dtype().blockSize());
                assertThat(tensor.offset() % 32).isZero();
                assertThat(file.bytes(tensor).mismatch(MemorySegment.ofArray(bytes)))
                        .isEqualTo(-1);
            });
        }
    }

    /** 48 MB in pieces of all sizes, from the heap and from outside it; little of it is ever in memory. */
    @Test
    void streamsLargeTensorsAndReportsThem() {
        long size = 48L << 20;
        List<Progress> reports = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment half = arena.allocate(size / 2);
            for (long i = 0; i < half.byteSize(); i += 4096) {
                half.setAtIndex(ValueLayout.JAVA_LONG, i / 8, i);
            }
            byte[] row = new byte[3 << 10];
            TensorBody pieces = sink -> {
                for (int i = 0; i < size / 2 / row.length; i++) {
                    row[5] = (byte) i;
                    sink.write(MemorySegment.ofArray(row));
                }
                sink.write(half);
            };
            var large = new GgufWriter.Entry("large", DType.F32, List.of(size / 4), pieces);
            long before = AllocatedBytes.ofThisThread();
            GgufWriter.write(
                    target(), Map.of(), List.of(large, entry("small", DType.F32, new byte[4], 1L)), reports::add);
            assertThat(AllocatedBytes.ofThisThread() - before).isLessThan(8L << 20);
            try (GgufFile file = GgufFile.open(target())) {
                MemorySegment bytes = file.bytes(Objects.requireNonNull(file.find("large")));
                assertThat(bytes.asSlice(size / 2).mismatch(half)).isEqualTo(-1);
                assertThat(bytes.get(ValueLayout.JAVA_BYTE, 5 + 200L * row.length))
                        .isEqualTo((byte) 200);
            }
        }
        assertThat(reports).hasSize(4).extracting(Progress::done).isSorted();
        assertThat(reports).extracting(Progress::what).containsExactly("large", "large", "large", "small");
        assertThat(reports).extracting(Progress::done).endsWith(size, size + 4);
        assertThat(reports).extracting(Progress::total).containsOnly(size + 4);
    }

    @Test
    void failuresLeaveNothingAndWhatWasThere() throws IOException {
        Files.writeString(target(), "before");
        var good = entry("a", DType.F32, new byte[4], 1L);
        var tooShort = entry("b", DType.F32, new byte[4], 2L);
        assertThatThrownBy(() -> GgufWriter.write(target(), Map.of(), List.of(good, tooShort)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("tensor b", "8 bytes", "found 4");
        var tooLong = entry("b", DType.F32, new byte[12], 2L);
        assertThatThrownBy(() -> GgufWriter.write(target(), Map.of(), List.of(tooLong)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("tensor b", "more");
        var failing = new GgufWriter.Entry("c", DType.F32, List.of(1L), sink -> {
            throw new IOException("no more weights");
        });
        assertThatThrownBy(() -> GgufWriter.write(target(), Map.of(), List.of(good, failing)))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("model.gguf")
                .hasRootCauseMessage("no more weights");
        assertThatThrownBy(() -> GgufWriter.write(target(), Map.of(), List.of(good), progress -> {
                    throw new UnsupportedOperationException("cancelled");
                }))
                .isInstanceOf(UnsupportedOperationException.class);
        assertThat(files()).containsExactly(target());
        assertThat(target()).hasContent("before");
        GgufWriter.write(target(), Map.of(), List.of(good));
        assertThat(files()).containsExactly(target());
        try (GgufFile file = GgufFile.open(target())) {
            assertThat(file.tensors()).hasSize(1);
        }
        assertThatThrownBy(() -> GgufWriter.write(directory.resolve("no/x.gguf"), Map.of(), List.of()))
                .isInstanceOf(UncheckedIOException.class);
    }

    @Test
    void refusesWhatGgufCannotHoldBeforeItWrites() throws IOException {
        var good = entry("a", DType.F32, new byte[4], 1L);
        assertThatThrownBy(() -> GgufWriter.write(target(), Map.of("k", List.of()), List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("k", "List");
        assertThatThrownBy(() -> GgufWriter.write(target(), Map.of("general.alignment", 64L), List.of()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> GgufWriter.write(target(), Map.of("k", new String[1]), List.of()))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("k");
        assertThatThrownBy(() -> GgufWriter.write(target(), Map.of(), List.of(good, good)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("two of a");
        assertThatThrownBy(() -> entry("x".repeat(64), DType.F32, new byte[4], 1L))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> entry("x", DType.F32, new byte[4], 1L, 1L, 1L, 1L, 1L))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> entry("x", DType.Q8_0, new byte[4], 33L))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Q8_0 blocks");
        assertThatThrownBy(() -> entry("x", DType.F32, new byte[4], 1L << 40, 1L << 40))
                .isInstanceOf(ArithmeticException.class);
        assertThat(files()).isEmpty();
    }
}
