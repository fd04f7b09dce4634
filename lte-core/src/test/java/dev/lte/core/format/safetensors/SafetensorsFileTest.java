package dev.lte.core.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.DType;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.fuzz.AllocatedBytes;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SafetensorsFileTest {
    private static void assertRefused(String header, int data, String... messageParts) {
        assertRefused(SafetensorsBytes.of(header, new byte[data]), messageParts);
    }

    private static void assertRefused(byte[] bytes, String... messageParts) {
        assertThatThrownBy(() -> SafetensorsBytes.open(bytes))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("test.safetensors")
                .hasMessageContainingAll(messageParts);
    }

    private static String tensor(String dtype, String shape, long from, long to) {
        return "{'x':{'dtype':'" + dtype + "','shape':" + shape + ",'data_offsets':[" + from + "," + to + "]}}";
    }

    @Test
    void readsTensorsAndMetadata() {
        byte[] data = new byte[26];
        data[3] = 0x40;
        String header =
                "{ '__metadata__':{'format':'pt','né':''}, 'b':{'data_offsets':[24,26],'shape':[1],'dtype':'BF16',"
                        + "'more':[{}]},'a':{'dtype':'F32','shape':[2,3],'data_offsets':[0,24]},"
                        + "'none':{'dtype':'F16','shape':[0,7],'data_offsets':[26,26]}}   ";
        try (SafetensorsFile file = SafetensorsBytes.open(SafetensorsBytes.of(header, data))) {
            long begin = 8 + header.getBytes(StandardCharsets.UTF_8).length;
            assertThat(file.metadata()).containsEntry("format", "pt").containsEntry("né", "");
            assertThat(file.tensors())
                    .containsExactly(
                            new TensorInfo("b", DType.BF16, List.of(1L), begin + 24, 2),
                            new TensorInfo("a", DType.F32, List.of(2L, 3L), begin, 24),
                            new TensorInfo("none", DType.F16, List.of(0L, 7L), begin + 26, 0));
            TensorInfo a = Objects.requireNonNull(file.find("a"));
            assertThat(file.bytes(a).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)).isEqualTo(2);
            assertThat(file.find("c")).isNull();
        }
    }

    @ParameterizedTest
    @EnumSource
    void listsTypesThatCannotBeRead(SafetensorsType type) {
        String header = tensor(type.name(), "[3]", 0, 3L * type.bytes);
        SafetensorsFile file = SafetensorsBytes.open(SafetensorsBytes.of(header, new byte[3 * type.bytes]));
        if (type.dtype != null) {
            assertThat(Objects.requireNonNull(file.find("x")).dtype()).isEqualTo(type.dtype);
        } else {
            assertThat(file.tensors()).isEmpty();
            assertThat(file.unsupported()).containsEntry("x", type.name());
            assertThatThrownBy(() -> file.find("x"))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContainingAll("tensor x", type.name());
        }
        assertRefused(tensor(type.name(), "[4]", 0, 3L * type.bytes), 3 * type.bytes, "tensor x", "data_offsets");
    }

    @Test
    void listsTypesThatItHasNeverHeardOf() {
        SafetensorsFile file = SafetensorsBytes.open(SafetensorsBytes.of(tensor("F4", "[2]", 0, 1), (byte) 0));
        assertThat(file.unsupported()).containsEntry("x", "F4");
    }

    @Test
    void refusesHeadersThatAreNone() {
        assertRefused(new byte[0], "header");
        assertRefused(new byte[9], "header");
        byte[] json = {'{', '}'};
        for (long length : new long[] {0, 1, 3, -1, 1L << 60, Long.MAX_VALUE}) {
            assertRefused(SafetensorsBytes.of(length, json), "a length from 2 to 2");
        }
        assertRefused(" {}", 0, "another character than {");
        assertRefused("[]", 0, "another character than {");
        assertRefused("{'x'", 0, "valid JSON");
        assertRefused("{} {}", 0, "nothing behind");
        assertRefused("{'x':1}", 0, "tensor x", "an object", "an integer");
        assertRefused("{'x':{}}", 0, "tensor x", "dtype, shape and two data_offsets");
        assertRefused("{'x':{'dtype':'F32','shape':[1],'data_offsets':[0]}}", 4, "two data_offsets");
        assertRefused("{'x':{'dtype':'F32','shape':[1],'data_offsets':[0,4,8]}}", 8, "at most 2 numbers");
        assertRefused("{'x':{'dtype':'F32','dtype':'F32','shape':[1],'data_offsets':[0,4]}}", 4, "a second time");
        assertRefused("{'__metadata__':{'k':1}}", 0, "__metadata__", "a string", "an integer");
        assertRefused("{'__metadata__':{'k':'1','k':'1'}}", 0, "second k");
        assertRefused("{'__metadata__':{},'__metadata__':{}}", 0, "second");
        assertRefused("{'" + "x".repeat(70000) + "':{}}", 0, "valid JSON");
        assertRefused("{'x':" + "[".repeat(2000), 0, "an object");
        assertRefused("{'x':{'y':" + "[".repeat(2000), 0, "valid JSON");
        assertRefused(SafetensorsBytes.of(3, new byte[] {'{', (byte) 0xff, '}'}), "valid JSON");
    }

    @Test
    void refusesTensorsThatCannotBe() {
        assertRefused(tensor("F32", "[1]", 0, 8), 8, "4 bytes for shape [1]");
        assertRefused(tensor("F32", "[2]", 0, 8), 4, "inside the 4 bytes of data");
        assertRefused(tensor("F32", "[1]", 4, 0), 4, "data_offsets in order");
        assertRefused(tensor("F32", "[-1]", 0, 4), 4, "integer from 0");
        assertRefused(tensor("F32", "[1.0]", 0, 4), 4, "an integer", "a fraction");
        assertRefused(tensor("F32", "[99999999999999999999]", 0, 4), 4, "integer from 0 to 2^63");
        assertRefused(tensor("F32", "[4294967296,4294967296]", 0, 4), 4, "2^63");
        assertRefused(tensor("F32", "[1,1,1,1,1,1,1,1,1]", 0, 4), 4, "at most 8");
        assertRefused(tensor("F32", "[1]", 4, 8), 8, "without gaps", "4 bytes of tensors");
        assertRefused(tensor("F32", "[1]", 0, 4), 8, "without gaps");
        String two = "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
                + "'b':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}}";
        assertRefused(two, 12, "tensor b", "behind a", "overlap");
        String same = "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},"
                + "'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}";
        assertRefused(same, 8, "tensor a", "second tensor of this name");
    }

    /** A tree of this JSON would take some 500 MB. */
    @Test
    void heapIsBoundedByTheFile() {
        StringBuilder header = new StringBuilder("{'__metadata__':{'");
        for (int i = 0; i < 1_000_000; i++) {
            header.append(i == 0 ? "" : ",'").append(Integer.toString(i, 36)).append("':''");
        }
        byte[] bytes = SafetensorsBytes.of(header.append("}}").toString());
        long before = AllocatedBytes.ofThisThread();
        assertRefused(bytes, "bytes of memory");
        assertThat(AllocatedBytes.ofThisThread() - before).isLessThan(bytes.length + (64L << 20));

        byte[] skipped = SafetensorsBytes.of("{'x':{'y':[" + "0,".repeat(5_000_000) + "0]}}");
        long beforeSkipping = AllocatedBytes.ofThisThread();
        assertRefused(skipped, "tensor x");
        assertThat(AllocatedBytes.ofThisThread() - beforeSkipping).isLessThan(skipped.length + (64L << 20));
    }

    @Test
    void readsARealModel() throws Exception {
        Path directory = Path.of(Objects.requireNonNull(getClass().getResource("/dev/lte/core/fixtures/hf/llama3"))
                .toURI());
        try (TensorFile file = SafetensorsFile.open(directory)) {
            assertThat(file.path()).isEqualTo(directory.resolve("model.safetensors"));
            assertThat(file.tensors()).hasSize(29);
            assertThat(Objects.requireNonNull(file.find("model.embed_tokens.weight"))
                            .shape())
                    .containsExactly(512L, 64L);
        }
    }
}
