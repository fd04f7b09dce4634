package dev.lte.core.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.Progress;
import dev.lte.backend.DType;
import dev.lte.core.format.TensorBody;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {
    @TempDir
    private Path directory;

    private static SafetensorsWriter.Entry entry(String name, DType dtype, byte[] bytes, Long... shape) {
        return new SafetensorsWriter.Entry(name, dtype, List.of(shape), TensorBody.of(MemorySegment.ofArray(bytes)));
    }

    @Test
    void whatIsWrittenComesBackAligned() throws IOException {
        Path target = directory.resolve("model.safetensors");
        List<Progress> reports = new ArrayList<>();
        byte[] half = {1, 2};
        byte[] words = {1, 2, 3, 4, 5, 6, 7, 8};
        SafetensorsWriter.write(
                target,
                Map.of("format", "pt"),
                List.of(
                        entry("half \"é\"", DType.F16, half, 1L),
                        entry("f", DType.F32, words, 1L, 2L),
                        entry("none", DType.F32, new byte[0], 0L),
                        entry("i", DType.I32, words, 2L)),
                reports::add);
        byte[] bytes = Files.readAllBytes(target);
        int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        assertThat(header % 8).isZero();
        assertThat(new String(bytes, 8, header, StandardCharsets.UTF_8))
                .startsWith("{\"__metadata__\":{\"format\":\"pt\"},\"f\":{\"dtype\":\"F32\",\"shape\":[1,2],"
                        + "\"data_offsets\":[0,8]},");
        try (TensorFile file = SafetensorsFile.open(directory)) {
            assertThat(((SafetensorsFile) file).metadata()).isEqualTo(Map.of("format", "pt"));
            assertThat(file.tensors()).extracting(TensorInfo::name).containsExactly("f", "none", "i", "half \"é\"");
            for (TensorInfo tensor : file.tensors()) {
                assertThat(tensor.offset() % tensor.dtype().blockBytes()).isZero();
            }
            assertThat(file.bytes(Objects.requireNonNull(file.find("i"))).mismatch(MemorySegment.ofArray(words)))
                    .isEqualTo(-1);
            assertThat(file.bytes(Objects.requireNonNull(file.find("half \"é\"")))
                            .mismatch(MemorySegment.ofArray(half)))
                    .isEqualTo(-1);
        }
        assertThat(reports).last().isEqualTo(new Progress("half \"é\"", 18, 18));
    }

    @Test
    void refusesWhatCannotBeWritten() throws IOException {
        Path target = directory.resolve("x.safetensors");
        assertThatThrownBy(() -> entry("q", DType.Q8_0, new byte[34], 32L))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Q8_0");
        assertThatThrownBy(() -> entry("__metadata__", DType.F32, new byte[4], 1L))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> entry("x", DType.F32, new byte[4], -1L)).isInstanceOf(IllegalArgumentException.class);
        var good = entry("a", DType.F32, new byte[4], 1L);
        assertThatThrownBy(() -> SafetensorsWriter.write(target, Map.of(), List.of(good, good), progress -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("two of a");
        var tooShort = entry("b", DType.F32, new byte[4], 2L);
        assertThatThrownBy(() -> SafetensorsWriter.write(target, Map.of(), List.of(good, tooShort), progress -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("tensor b");
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).isEmpty();
        }
    }
}
