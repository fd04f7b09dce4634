package dev.lte.core.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.DType;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.fuzz.AllocatedBytes;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufFileTest {
    private static final int F32 = 0;
    private static final int Q4_0 = 2;

    @TempDir
    private Path directory;

    private static GgufBytes oneTensor(String name, int type, long offset, long... shape) {
        return GgufBytes.header(3, 1, 0).tensor(name, type, offset, shape).align();
    }

    private static void assertRefused(GgufBytes file, String... messageParts) {
        assertThatThrownBy(file::open)
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("test.gguf")
                .hasMessageContainingAll(messageParts);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void readsEveryTypeOfValue(int version) {
        GgufMetadata metadata = GgufBytes.header(version, 0, 22)
                .key("uint8", GgufValueType.UINT8)
                .raw((byte) 255)
                .key("int8", GgufValueType.INT8)
                .raw((byte) -1)
                .key("uint16", GgufValueType.UINT16)
                .int16(65535)
                .key("int16", GgufValueType.INT16)
                .int16(-2)
                .key("uint32", GgufValueType.UINT32)
                .int32(-1)
                .key("int32", GgufValueType.INT32)
                .int32(-3)
                .key("uint64", GgufValueType.UINT64)
                .int64(Long.MAX_VALUE)
                .key("int64", GgufValueType.INT64)
                .int64(Long.MIN_VALUE)
                .key("float32", GgufValueType.FLOAT32)
                .int32(Float.floatToIntBits(0.1f))
                .key("float64", GgufValueType.FLOAT64)
                .int64(Double.doubleToLongBits(0.1))
                .key("yes", GgufValueType.BOOL)
                .raw((byte) 1)
                .key("string", GgufValueType.STRING)
                .string("Zürich 😀")
                .array("bools", GgufValueType.BOOL, 2)
                .raw((byte) 0, (byte) 1)
                .array("uint8s", GgufValueType.UINT8, 2)
                .raw((byte) 200, (byte) 1)
                .array("int16s", GgufValueType.INT16, 1)
                .int16(-7)
                .array("uint32s", GgufValueType.UINT32, 1)
                .int32(-1)
                .array("int64s", GgufValueType.INT64, 1)
                .int64(1L << 40)
                .array("float32s", GgufValueType.FLOAT32, 2)
                .raw(GgufBytes.floats(1.5f, -2))
                .array("float64s", GgufValueType.FLOAT64, 1)
                .int64(Double.doubleToLongBits(1e300))
                .array("strings", GgufValueType.STRING, 3)
                .string("a")
                .string("")
                .string("▁b")
                .array("none", GgufValueType.STRING, 0)
                .key("last", GgufValueType.BOOL)
                .raw((byte) 0)
                .open()
                .metadata();
        assertThat(metadata.integer("uint8")).isEqualTo(255);
        assertThat(metadata.integer("int8")).isEqualTo(-1);
        assertThat(metadata.integer("uint16")).isEqualTo(65535);
        assertThat(metadata.integer("int16")).isEqualTo(-2);
        assertThat(metadata.values().get("uint32")).isEqualTo(4294967295L);
        assertThat(metadata.integer("int32")).isEqualTo(-3);
        assertThat(metadata.values().get("uint64")).isEqualTo(Long.MAX_VALUE);
        assertThat(metadata.values().get("int64")).isEqualTo(Long.MIN_VALUE);
        assertThat(metadata.real("float32")).isEqualTo(0.1f);
        assertThat(metadata.real("float64")).isEqualTo(0.1);
        assertThat(metadata.flag("yes", false)).isTrue();
        assertThat(metadata.string("string")).isEqualTo("Zürich 😀");
        assertThat(metadata.values().get("bools")).isEqualTo(new boolean[] {false, true});
        assertThat(metadata.integersOrNull("uint8s")).containsExactly(200, 1);
        assertThat(metadata.integersOrNull("int16s")).containsExactly(-7);
        assertThat(metadata.integersOrNull("uint32s")).containsExactly(4294967295L);
        assertThat(metadata.integersOrNull("int64s")).containsExactly(1L << 40);
        assertThat(metadata.floatsOrNull("float32s")).containsExactly(1.5f, -2);
        assertThat(metadata.values().get("float64s")).isEqualTo(new double[] {1e300});
        assertThat(metadata.strings("strings")).containsExactly("a", "", "▁b");
        assertThat(metadata.strings("none")).isEmpty();
        assertThat(metadata.values()).hasSize(22).containsKey("last");
    }

    @Test
    void findsTensorsWithShapesOutermostFirst() {
        byte[] bytes = GgufBytes.header(3, 3, 1)
                .key("general.alignment", GgufValueType.UINT32)
                .int32(64)
                .tensor("w", F32, 0, 3, 2)
                .tensor("q", Q4_0, 64, 64, 1, 2)
                .tensor("scalar", F32, 192)
                .align()
                .bytes();
        int data = (bytes.length + 63) / 64 * 64;
        byte[] whole = Arrays.copyOf(bytes, data + 196);
        System.arraycopy(GgufBytes.floats(1, 2, 3, 4, 5, 6), 0, whole, data, 24);
        try (GgufFile file = GgufBytes.open(whole)) {
            assertThat(file.format()).isEqualTo("GGUF v3");
            assertThat(file.tensors())
                    .containsExactly(
                            new TensorInfo("w", DType.F32, List.of(2L, 3L), data, 24),
                            new TensorInfo("q", DType.Q4_0, List.of(2L, 1L, 64L), data + 64, 72),
                            new TensorInfo("scalar", DType.F32, List.of(), data + 192, 4));
            MemorySegment w = Objects.requireNonNull(file.weight("w")).bytes();
            assertThat(w.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED)).containsExactly(1, 2, 3, 4, 5, 6);
            assertThat(w.isReadOnly()).isTrue();
            assertThat(file.find("v")).isNull();
            assertThat(file.weight("v")).isNull();
            TensorInfo foreign = new TensorInfo("w", DType.F32, List.of(2L, 3L), 0, 24);
            assertThatThrownBy(() -> file.bytes(foreign)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void knowsEveryTypeOfTensor(GgufType type) {
        GgufFile file = oneTensor("x", type.id, 0, 2L * type.blockSize)
                .zeros(2 * type.blockBytes)
                .open();
        if (type.dtype != null) {
            assertThat(file.tensors())
                    .singleElement()
                    .satisfies(x -> assertThat(x.dtype()).isEqualTo(type.dtype));
            assertThat(GgufType.of(type.dtype)).isEqualTo(type);
        } else {
            assertThat(file.unsupported()).containsEntry("x", type.name());
            assertThat(file.tensors()).isEmpty();
            assertThatThrownBy(() -> file.find("x"))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContainingAll("x", type.name());
        }
        assertRefused(oneTensor("x", type.id, 0, 2L * type.blockSize).zeros(2 * type.blockBytes - 1), "tensor x");
    }

    @Test
    void listsTypesThatItHasNeverHeardOf() {
        GgufFile file = oneTensor("x", 77, 0, 1000).open();
        assertThat(file.unsupported().get("x")).contains("77");
        assertThatThrownBy(() -> file.weight("x")).hasMessageContainingAll("x", "77");
    }

    @Test
    void refusesOtherVersionsByName() {
        for (int version : new int[] {0, 1, 4, 0x03000000}) {
            assertThatThrownBy(() -> GgufBytes.header(version, 0, 0).open())
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining(version >>> 24 == 3 ? "big-endian" : "version " + version);
        }
        assertThatThrownBy(() -> new GgufBytes()
                        .raw("GGML".getBytes(StandardCharsets.US_ASCII))
                        .zeros(40)
                        .open())
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("the letters GGUF");
        assertThatThrownBy(() -> new GgufBytes().open()).isInstanceOf(ModelFormatException.class);
    }

    @Test
    void refusesCountsThatTheFileCannotHold() {
        for (long count : new long[] {-1, Long.MAX_VALUE, 1L << 60, 1L << 32, 2}) {
            assertRefused(GgufBytes.header(3, count, 0), "number of tensors");
            assertRefused(GgufBytes.header(3, 0, count), "number of metadata keys");
            assertRefused(
                    GgufBytes.header(3, 0, 1).key("k", GgufValueType.STRING).int64(count), "k at offset");
            for (GgufValueType type : GgufValueType.values()) {
                if (type != GgufValueType.ARRAY) {
                    assertRefused(GgufBytes.header(3, 0, 1).array("many", type, count), "many at offset");
                }
            }
        }
    }

    @Test
    void refusesValuesThatAreNone() {
        assertRefused(
                GgufBytes.header(3, 0, 1).key("k", GgufValueType.BOOL).raw((byte) 2),
                "k at offset",
                "truth value",
                "2");
        assertRefused(GgufBytes.header(3, 0, 1).string("k").int32(13).zeros(8), "type of value", "13");
        assertRefused(
                GgufBytes.header(3, 0, 1).key("k", GgufValueType.UINT64).int64(-1), "2^63", "18446744073709551615");
        assertRefused(
                GgufBytes.header(3, 0, 2)
                        .key("k", GgufValueType.BOOL)
                        .raw((byte) 1)
                        .key("k", GgufValueType.BOOL)
                        .raw((byte) 1),
                "second key");
        assertThatThrownBy(() -> GgufBytes.header(3, 0, 1)
                        .array("k", GgufValueType.ARRAY, 1)
                        .int32(0)
                        .int64(0)
                        .open())
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContainingAll("k", "array of arrays");
        for (int alignment : new int[] {0, 3, 33, -1}) {
            assertRefused(
                    GgufBytes.header(3, 0, 1)
                            .key("general.alignment", GgufValueType.INT32)
                            .int32(alignment),
                    "general.alignment",
                    "power of two");
        }
    }

    @Test
    void readsBrokenTextInValuesButNotInNames() {
        byte[] broken = {'a', (byte) 0xff, 'b'};
        GgufFile file = GgufBytes.header(3, 0, 1)
                .key("k", GgufValueType.STRING)
                .int64(3)
                .raw(broken)
                .open();
        assertThat(file.metadata().string("k")).isEqualTo("a\uFFFDb");
        assertRefused(GgufBytes.header(3, 0, 1).int64(3).raw(broken).int32(7).raw((byte) 1), "key 1 of 1", "UTF-8");
    }

    @Test
    void refusesTensorsThatCannotBe() {
        assertRefused(oneTensor("x", F32, 0, 1, 1, 1, 1, 1).zeros(4), "4 dimensions");
        assertRefused(oneTensor("x", F32, 0, -1).zeros(4), "2^63");
        assertRefused(oneTensor("x", F32, 0, 1L << 40, 1L << 40).zeros(4), "tensor x", "2^63 elements");
        assertRefused(oneTensor("x", F32, 0, 1L << 50).zeros(4), "tensor x", "shape [1125899906842624]");
        assertRefused(oneTensor("x", F32, 0, 0, 1L << 40, 1L << 40).zeros(4), "2^63 elements");
        assertRefused(oneTensor("x", F32, 0, 1L << 62, 0), "tensor x", "2^63 bytes");
        assertRefused(oneTensor("x", Q4_0, 0, 48).zeros(64), "tensor x", "whole Q4_0 blocks of 32", "[48]");
        assertRefused(oneTensor("x", F32, 32, 1).zeros(32), "tensor x", "its end before them");
        assertRefused(oneTensor("x", F32, 4, 1).zeros(32), "tensor x", "multiple of 32", "4");
        assertRefused(oneTensor("x", F32, Long.MAX_VALUE - 31, 1).zeros(32), "tensor x");
        assertRefused(oneTensor("x", F32, -32, 1).zeros(32), "2^63");
        GgufBytes two = GgufBytes.header(3, 2, 0);
        assertRefused(
                two.tensor("a", F32, 0, 9).tensor("b", F32, 32, 1).align().zeros(64),
                "tensor b",
                "behind a",
                "overlap");
        assertRefused(
                GgufBytes.header(3, 2, 0)
                        .tensor("a", F32, 0, 1)
                        .tensor("a", F32, 32, 1)
                        .align()
                        .zeros(64),
                "tensor a",
                "second tensor of this name");
    }

    @Test
    void emptyTensorsTakeNoPlace() {
        GgufFile file = GgufBytes.header(3, 2, 0)
                .tensor("none", F32, 0, 0, 5)
                .tensor("x", F32, 0, 1)
                .align()
                .zeros(4)
                .open();
        assertThat(file.tensors()).extracting(TensorInfo::bytes).containsExactly(0L, 4L);
        assertThatThrownBy(() -> file.weight("none")).isInstanceOf(ModelFormatException.class);
    }

    /** Many small things take far more of the heap than of the file. */
    @Test
    void heapIsBoundedByTheFile() {
        int count = 4_000_000;
        GgufBytes strings = GgufBytes.header(3, 0, 1).array("tokens", GgufValueType.STRING, count);
        byte[] characters = new byte[9 * count];
        for (int i = 0; i < count; i++) {
            characters[9 * i] = 1;
            characters[9 * i + 8] = 'x';
        }
        assertBounded(strings.raw(characters).bytes());

        GgufBytes tensors = GgufBytes.header(3, count / 4, 0);
        for (int i = 0; i < count / 4; i++) {
            tensors.tensor(Integer.toString(i, 36), F32, 0, 0);
        }
        assertBounded(tensors.bytes());

        GgufBytes pairs = GgufBytes.header(3, 0, count / 4);
        for (int i = 0; i < count / 4; i++) {
            pairs.key(Integer.toString(i, 36), GgufValueType.INT8).raw((byte) 1);
        }
        assertBounded(pairs.bytes());

        byte[] text = "é".repeat(40 << 20).getBytes(StandardCharsets.UTF_8);
        assertBounded(GgufBytes.header(3, 0, 1)
                .key("text", GgufValueType.STRING)
                .int64(text.length)
                .raw(text)
                .bytes());
        assertBounded(GgufBytes.header(3, 0, 1)
                .array("bytes", GgufValueType.INT8, 40 << 20)
                .zeros(40 << 20)
                .bytes());
    }

    private static void assertBounded(byte[] bytes) {
        long before = AllocatedBytes.ofThisThread();
        assertThatThrownBy(() -> GgufBytes.open(bytes))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("bytes of memory");
        assertThat(AllocatedBytes.ofThisThread() - before).isLessThan(bytes.length + (64L << 20));
    }

    /** As many strings as the largest vocabularies have, in a file that has nothing else. */
    @Test
    void largeVocabulariesFitTheBudget() {
        int tokens = 200_000;
        int merges = 450_000;
        GgufBytes file = GgufBytes.header(3, 0, 2).array("tokens", GgufValueType.STRING, tokens);
        for (int i = 0; i < tokens; i++) {
            file.string("Ġ" + Integer.toString(i, 36));
        }
        file.array("merges", GgufValueType.STRING, merges);
        for (int i = 0; i < merges; i++) {
            file.string("Ġ" + Integer.toString(i, 36) + " tion");
        }
        byte[] bytes = file.bytes();
        long before = AllocatedBytes.ofThisThread();
        GgufMetadata metadata = GgufBytes.open(bytes).metadata();
        assertThat(AllocatedBytes.ofThisThread() - before).isLessThan(bytes.length + (64L << 20));
        assertThat(metadata.strings("tokens")[36]).isEqualTo("Ġ10");
        assertThat(metadata.strings("merges")[merges - 1]).isEqualTo("Ġ9n7z tion");
    }

    @Test
    void readsRealVocabularies() throws Exception {
        Path file =
                Path.of(Objects.requireNonNull(getClass().getResource("/dev/lte/core/vocab/ggml-vocab-llama-spm.gguf"))
                        .toURI());
        try (GgufFile gguf = GgufFile.open(file)) {
            assertThat(gguf.tensors()).isEmpty();
            GgufMetadata metadata = gguf.metadata();
            assertThat(metadata.strings("tokenizer.ggml.tokens"))
                    .hasSize(32000)
                    .startsWith("<unk>", "<s>", "</s>", "<0x00>");
            assertThat(metadata.floatsOrNull("tokenizer.ggml.scores")).hasSize(32000);
            assertThat(metadata.real("llama.attention.layer_norm_rms_epsilon")).isEqualTo(1e-5f);
            assertThat(metadata.integer("llama.feed_forward_length")).isEqualTo(11008);
        }
    }

    @Test
    void bytesEndWithTheFile() throws Exception {
        Path path = directory.resolve("x.gguf");
        Files.write(path, oneTensor("x", F32, 0, 1).raw(GgufBytes.floats(5)).bytes());
        GgufFile file = GgufFile.open(path);
        MemorySegment bytes = file.bytes(Objects.requireNonNull(file.find("x")));
        assertThat(bytes.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)).isEqualTo(5);
        file.close();
        file.close();
        assertThatThrownBy(() -> bytes.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> GgufFile.open(directory.resolve("none.gguf")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("none.gguf");
    }
}
