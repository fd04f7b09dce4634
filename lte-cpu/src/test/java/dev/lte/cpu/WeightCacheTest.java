package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import dev.lte.backend.Activation;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightCache;
import dev.lte.backend.WeightData;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packed weights are kept between runs, and never taken for those of another model, version or layout. */
class WeightCacheTest {
    private static final long SEED = 5;

    @TempDir
    private Path folder;

    private static final WeightData MATRIX = RandomWeights.weight(DType.Q8_0, 50, 512, new Random(SEED));

    @Test
    void theNextRunMapsWhatThisOnePacked() throws IOException {
        float[] packed = load("m", "1", MATRIX);
        Map<Path, FileTime> first = files();
        assertThat(first).hasSize(1);
        assertThat(load("m", "1", MATRIX)).containsExactly(packed);
        assertThat(files()).isEqualTo(first);
    }

    @Test
    void feedForwardBlocksAreKeptToo() throws IOException {
        Random random = new Random(SEED);
        FfnData data = new FfnData(
                new FfnSpec(64, 128, 32, Activation.SILU, true),
                RandomWeights.weight(DType.BF16, 128, 64, random),
                RandomWeights.weight(DType.BF16, 128, 64, random),
                RandomWeights.weight(DType.BF16, 64, 128, random),
                null,
                null);
        byte[] packed = bytes(data);
        Map<Path, FileTime> first = files();
        assertThat(first).hasSize(1);
        assertThat(bytes(data)).isEqualTo(packed);
        assertThat(files()).isEqualTo(first);
    }

    @Test
    void anotherVersionOfTheModelReplacesWhatWasKept() throws IOException {
        load("m", "1", MATRIX);
        Map<Path, FileTime> first = files();
        WeightData changed = RandomWeights.weight(DType.Q8_0, 50, 512, new Random(SEED + 1));
        float[] expected = load("none", "1", changed);
        assertThat(load("m", "2", changed)).containsExactly(expected);
        load("m", "2", MATRIX);
        assertThat(files()).containsKeys(first.keySet().toArray(Path[]::new)).isNotEqualTo(first);
    }

    @Test
    void reorderedWeightsOfTheSameNameAreTheirOwn() {
        load("m", "1", MATRIX);
        byte[] rows = MATRIX.bytes().toArray(ValueLayout.JAVA_BYTE);
        int row = rows.length / MATRIX.rows();
        byte[] swapped = rows.clone();
        System.arraycopy(rows, 0, swapped, rows.length - row, row);
        System.arraycopy(rows, rows.length - row, swapped, 0, row);
        WeightData other = new WeightData(
                MATRIX.name(), MATRIX.dtype(), MATRIX.rows(), MATRIX.columns(), MemorySegment.ofArray(swapped));
        assertThat(load("m", "1", other)).containsExactly(load("none", "1", other));
    }

    @Test
    void damagedFilesAreMadeAnew() throws IOException {
        float[] packed = load("m", "1", MATRIX);
        Path file = files().keySet().iterator().next();
        byte[] good = Files.readAllBytes(file);
        for (int at : new int[] {0, 9, 13, 30, 33, 60, 1 << 14, good.length / 2, good.length - 65}) {
            try (RandomAccessFile damaged = new RandomAccessFile(file.toFile(), "rw")) {
                damaged.seek(at);
                damaged.write(good[at] ^ 0x40);
            }
            assertThat(load("m", "1", MATRIX)).as("flipped at " + at).containsExactly(packed);
            assertThat(Files.readAllBytes(file)).as("flipped at " + at).isEqualTo(good);
        }
        for (int length : new int[] {0, 10, 1 << 14, good.length - 1}) {
            Files.write(file, ByteBuffer.allocate(length).put(good, 0, length).array());
            assertThat(load("m", "1", MATRIX)).as("cut to " + length).containsExactly(packed);
            assertThat(Files.readAllBytes(file)).as("cut to " + length).isEqualTo(good);
        }
    }

    @Test
    void aFolderThatTakesNothingIsNoReasonToFail() throws IOException {
        Path missing = folder.resolve("missing");
        float[] packed = load("m", "1", MATRIX);
        try (CpuBackend backend = new CpuBackend(new BackendOptions(2, 0, new WeightCache(missing, "m", "1")))) {
            assertThat(read(backend, MATRIX)).containsExactly(packed);
        }
    }

    /** If this fails, formats pack differently than before: raise {@link PackedWeights#LAYOUT}, then change the sums. */
    @Test
    void theLayoutHasTheVersionThatItSays() {
        Map<String, String> sums = new TreeMap<>();
        try (CpuBackend backend = new CpuBackend(new BackendOptions(1, 0))) {
            for (DType dtype : DType.values()) {
                if (backend.supportsWeight(dtype)) {
                    Random random = new Random(SEED);
                    WeightData up = RandomWeights.weight(dtype, 256, 256, random);
                    WeightData down = RandomWeights.weight(dtype, 256, 256, random);
                    CpuFfn ffn = (CpuFfn) backend.ffn(new FfnData(
                            new FfnSpec(256, 256, 256, Activation.RELU, false), null, up, down, null, null));
                    CRC32C sum = new CRC32C();
                    sum.update(ffn.packed().memory().asByteBuffer());
                    sums.put(dtype.name(), Long.toHexString(sum.getValue()));
                }
            }
        }
        assertThat(PackedWeights.LAYOUT + " " + sums)
                .isEqualTo("2 {BF16=8cbdcdfe, F16=39abe346, F32=bdacaabc,"
                        + " Q4_0=b2edd229, Q4_K=33b984e8, Q6_K=d4e25250, Q8_0=344762ef}");
    }

    @Test
    void aModelThatIsMappedGeneratesWhatAPackedOneDoes() throws IOException {
        String packed = story(LoadOptions.of(options -> options.backend("cpu")));
        LoadOptions keeping = LoadOptions.of(options -> options.backend("cpu").weightCache(folder.resolve("new")));
        assertThat(story(keeping)).isEqualTo(packed);
        folder = folder.resolve("new");
        Map<Path, FileTime> first = files();
        assertThat(first).isNotEmpty();
        assertThat(story(keeping)).isEqualTo(packed);
        assertThat(files()).isEqualTo(first);
    }

    @Test
    void aFolderThatCannotBeMadeIsATypedError() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        assertThatThrownBy(() ->
                        story(LoadOptions.of(options -> options.backend("cpu").weightCache(file))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContainingAll("weightCache", file.toString());
    }

    private static String story(LoadOptions options) {
        try (Model model = Lte.load(Path.of("..", "examples", "models", "tinystories-656k.gguf"), options)) {
            return model.generate(GenerationRequest.of(request ->
                            request.prompt("Once upon a time").maxTokens(20).sampling(Sampling.greedy())))
                    .ofType(TextDelta.class)
                    .map(TextDelta::text)
                    .collect(Collectors.joining())
                    .block();
        }
    }

    private byte[] bytes(FfnData data) {
        try (CpuBackend backend = new CpuBackend(new BackendOptions(2, 0, new WeightCache(folder, "m", "1")))) {
            return ((CpuFfn) backend.ffn(data)).packed().memory().toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private float[] load(String model, String version, WeightData data) {
        BackendOptions options = model.equals("none")
                ? new BackendOptions(2, 0)
                : new BackendOptions(2, 0, new WeightCache(folder, model, version));
        try (CpuBackend backend = new CpuBackend(options)) {
            return read(backend, data);
        }
    }

    private static float[] read(CpuBackend backend, WeightData data) {
        Tensor weight = backend.weight(List.of(data));
        float[] values = new float[data.rows() * data.columns()];
        try (KernelQueue queue = backend.openQueue()) {
            queue.read(weight, values);
        }
        return values;
    }

    private Map<Path, FileTime> files() throws IOException {
        Map<Path, FileTime> files = new TreeMap<>();
        try (Stream<Path> found = Files.list(folder)) {
            for (Path file : found.toList()) {
                files.put(file, Files.getLastModifiedTime(file));
            }
        }
        return files;
    }
}
