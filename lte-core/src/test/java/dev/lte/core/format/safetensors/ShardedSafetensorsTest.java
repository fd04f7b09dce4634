package dev.lte.core.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShardedSafetensorsTest {
    @TempDir
    private Path directory;

    private void shard(String name, String tensor, String dtype, byte... data) throws IOException {
        String header =
                "{'" + tensor + "':{'dtype':'" + dtype + "','shape':[1],'data_offsets':[0," + data.length + "]}}";
        Files.write(directory.resolve(name), SafetensorsBytes.of(header, data));
    }

    private void index(String json) throws IOException {
        Files.writeString(directory.resolve("model.safetensors.index.json"), json.replace('\'', '"'));
    }

    private void assertRefused(String... messageParts) {
        assertThatThrownBy(() -> SafetensorsFile.open(directory))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContainingAll(messageParts);
    }

    @Test
    void readsTensorsOfAllFiles() throws IOException {
        shard("one.safetensors", "a", "F32", (byte) 0, (byte) 0, (byte) 0x80, (byte) 0x3f);
        shard("two.safetensors", "b", "F16", (byte) 5, (byte) 0);
        shard("three.safetensors", "c", "U8", (byte) 5);
        index("{'metadata':{'total_size':7},'weight_map':{'a':'one.safetensors','b':'two.safetensors',"
                + "'c':'three.safetensors'}}");
        TensorFile file = SafetensorsFile.open(directory);
        assertThat(file.path()).isEqualTo(directory);
        assertThat(file.format()).isEqualTo("safetensors, 3 files");
        assertThat(file.tensors()).extracting(TensorInfo::name).containsExactly("a", "b");
        assertThat(file.unsupported()).containsOnlyKeys("c");
        TensorInfo a = Objects.requireNonNull(file.find("a"));
        var bytes = file.bytes(a);
        assertThat(bytes.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0)).isEqualTo(1);
        assertThat(file.bytes(Objects.requireNonNull(file.find("b"))).get(ValueLayout.JAVA_BYTE, 0))
                .isEqualTo((byte) 5);
        assertThat(file.find("d")).isNull();
        assertThatThrownBy(() -> file.find("c"))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("three.safetensors");
        file.close();
        assertThatThrownBy(() -> bytes.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../one.safetensors",
                "/etc/passwd",
                "sub/one.safetensors",
                "..",
                ".",
                "",
                "a\\\\b",
                "C:x",
                "a\\u0000b"
            })
    void filesMustStandBesideTheIndex(String name) throws IOException {
        shard("one.safetensors", "a", "F32", new byte[4]);
        index("{'weight_map':{'a':'" + name + "'}}");
        assertRefused("weight_map.a", "the name of a file beside the index");
    }

    @Test
    void refusesAnIndexThatDoesNotFit() throws IOException {
        assertRefused("model.safetensors.index.json", "neither");
        shard("one.safetensors", "a", "F32", new byte[4]);
        shard("two.safetensors", "a", "F32", new byte[4]);
        index("{'weight_map':{'a':'one.safetensors','b':'one.safetensors'}}");
        assertRefused("weight_map.b", "a tensor in one.safetensors", "none");
        index("{'weight_map':{'a':'one.safetensors','b':'two.safetensors'}}");
        assertRefused("two.safetensors", "tensor a", "one in one.safetensors, too");
        shard("two.safetensors", "b", "F32", new byte[4]);
        index("{'weight_map':{'a':'two.safetensors','b':'one.safetensors'}}");
        assertRefused("weight_map.a", "it in one.safetensors");
        index("{'weight_map':{'a':'one.safetensors','a':'one.safetensors'}}");
        assertRefused("a second a");
        index("{'weight_map':{}}");
        assertRefused("weight_map", "none");
        index("{'weight_map':{'a':'one.safetensors'},'weight_map':{}}");
        assertRefused("a second");
        index("{'weight_map':['a']}");
        assertRefused("an object");
        index("nothing");
        assertRefused("valid JSON");
        index("");
        assertRefused("more JSON");
        index("{'weight_map':{'a':'gone.safetensors'}}");
        assertThatThrownBy(() -> SafetensorsFile.open(directory))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("gone.safetensors");
    }
}
