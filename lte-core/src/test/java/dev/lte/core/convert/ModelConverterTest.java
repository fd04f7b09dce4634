package dev.lte.core.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.ConversionReport;
import dev.lte.ConversionReport.ConvertedTensor;
import dev.lte.Progress;
import dev.lte.WeightType;
import dev.lte.backend.DType;
import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Routing;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.gguf.GgufFile;
import dev.lte.core.source.Fixtures;
import dev.lte.core.source.ModelSources;
import dev.lte.core.source.ModelSourcesTest;
import dev.lte.core.source.WeightShapes;
import dev.lte.core.token.VocabularyTokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ModelConverterTest {
    @TempDir
    private Path directory;

    static Stream<String> withWeights() {
        return Fixtures.withWeights().stream();
    }

    private ConversionReport convert(ModelSource source, Path target, WeightType type) {
        return ModelConverter.convert(source, target, type, progress -> {});
    }

    /** What two sources must have in common, and every weight, bit for bit. */
    static void assertSame(ModelSource expected, ModelSource found) {
        ModelConfig a = expected.config();
        ModelConfig b = found.config();
        assertThat(List.of(b.model(), b.ffn(), b.heads(), b.keyValueHeads(), b.headSize(), b.vocabulary()))
                .containsExactly(a.model(), a.ffn(), a.heads(), a.keyValueHeads(), a.headSize(), a.vocabulary());
        assertThat(b.contextLength()).isEqualTo(a.contextLength());
        assertThat(b.norm().kind()).isEqualTo(a.norm().kind());
        assertThat(b.norm().epsilon()).isEqualTo(a.norm().epsilon());
        assertThat(b.normPlacement()).isEqualTo(a.normPlacement());
        assertThat(b.activation()).isEqualTo(a.activation());
        assertThat(b.gated()).isEqualTo(a.gated());
        assertThat(b.embeddingScale()).isEqualTo(a.embeddingScale());
        assertThat(b.attentionScale()).isEqualTo(a.attentionScale());
        assertThat(b.attentionSoftcap()).isEqualTo(a.attentionSoftcap());
        assertThat(b.finalSoftcap()).isEqualTo(a.finalSoftcap());
        assertThat(b.causal()).isEqualTo(a.causal());
        assertThat(b.classLabels()).isEqualTo(a.classLabels());
        assertThat(b.layers()).isEqualTo(a.layers());
        assertThat(b.routing()).isEqualTo(a.routing());
        assertThat(b.ropes()).hasSameSizeAs(a.ropes());
        for (int i = 0; i < a.ropes().size(); i++) {
            List<Double> angles = a.ropes().get(i).inverseFrequencies();
            assertThat(b.ropes().get(i).inverseFrequencies()).hasSameSizeAs(angles);
            for (int j = 0; j < angles.size(); j++) {
                // Bases and divisors are stored as F32.
                assertThat(b.ropes().get(i).inverseFrequencies().get(j))
                        .isCloseTo(angles.get(j), within(1.2e-7 * angles.get(j)));
            }
            assertThat(b.ropes().get(i).magnitude()).isCloseTo(a.ropes().get(i).magnitude(), within(1e-7));
        }
        for (WeightRole role : WeightRole.values()) {
            for (int layer = 0; layer < (role.perLayer() ? a.layers().size() : 1); layer++) {
                WeightData weight = expected.find(role, layer);
                WeightData other = found.find(role, layer);
                assertThat(other == null)
                        .as("%s of layer %d is missing", role, layer)
                        .isEqualTo(weight == null);
                if (weight != null && other != null) {
                    assertThat(plain(role, other, b))
                            .as("%s of layer %d", role, layer)
                            .isEqualTo(plain(role, weight, a));
                }
            }
        }
    }

    /** Values in the order of HALVES, norms with their offset, positions without theirs. */
    private static float[] plain(WeightRole role, WeightData weight, ModelConfig config) {
        WeightData counted = role == WeightRole.POSITION_EMBEDDING
                ? weight.rowRange(config.positionOffset(), weight.rows())
                : weight;
        float[] values = Floats.of(counted);
        int heads = HeadRows.heads(role, config);
        if (heads > 0 && !config.ropes().isEmpty() && config.ropes().getFirst().pairing() == Pairing.ADJACENT) {
            int rotated = 2 * config.ropes().getFirst().inverseFrequencies().size();
            int[] order = HeadRows.order(heads, config.headSize(), rotated, Pairing.HALVES);
            int columns = values.length / order.length;
            float[] ordered = new float[values.length];
            for (int row = 0; row < order.length; row++) {
                System.arraycopy(values, order[row] * columns, ordered, row * columns, columns);
            }
            values = ordered;
        }
        if (WeightShapes.isVector(role) && !role.name().endsWith("_BIAS")) {
            for (int i = 0; i < values.length; i++) {
                values[i] += config.norm().weightOffset();
            }
        }
        return values;
    }

    @ParameterizedTest
    @MethodSource("withWeights")
    void everyFamilyKeepsItsWeightsAndValues(String family) {
        Path target = directory.resolve(family + ".gguf");
        try (ModelSource source = ModelSources.open(Fixtures.directory(family))) {
            ConversionReport report = convert(source, target, WeightType.F32);
            assertThat(report.bytes()).isEqualTo(target.toFile().length());
            assertThat(report.bitsPerWeight()).isBetween(32.0, 33.0); // metadata included
            assertThat(report.notes()).singleElement().asString().contains("without a tokenizer");
            try (ModelSource written = ModelSources.open(target)) {
                assertSame(source, written);
                assertThat(written.config().positionOffset()).isZero();
                assertThat(written.config().norm().weightOffset()).isZero();
                assertThat(written.name()).isEqualTo(family);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("withWeights")
    void everyFamilyCanGoBackToTheHubsFormat(String family) {
        Path gguf = directory.resolve("model.gguf");
        Path direct = directory.resolve("direct");
        Path around = directory.resolve("around");
        try (ModelSource source = ModelSources.open(Fixtures.directory(family))) {
            HubDirectoryWriter.write(source, direct, WeightType.F32, progress -> {});
            try (ModelSource copy = ModelSources.open(direct)) {
                assertSame(source, copy);
                assertThat(copy.config().architecture())
                        .isEqualTo(source.config().architecture());
                assertThat(copy.config().positionOffset())
                        .isEqualTo(source.config().positionOffset());
                assertThat(copy.config().norm()).isEqualTo(source.config().norm());
            }
            convert(source, gguf, WeightType.F32);
            try (ModelSource written = ModelSources.open(gguf)) {
                HubDirectoryWriter.write(written, around, WeightType.F32, progress -> {});
            }
            try (ModelSource back = ModelSources.open(around)) {
                if (source.config().norm().weightOffset() == 0) {
                    assertSame(source, back);
                }
                assertThat(back.config().layers()).isEqualTo(source.config().layers());
            }
        }
    }

    @Test
    void llamaIsWrittenAsLlamaCppReadsIt() {
        Path target = directory.resolve("llama.gguf");
        try (ModelSource source = ModelSources.open(Fixtures.directory("llama3"))) {
            convert(source, target, WeightType.F16);
            float[] query = Floats.of(source.get(WeightRole.QUERY, 1));
            try (GgufFile file = GgufFile.open(target)) {
                Map<String, Object> values = file.metadata().values();
                assertThat(values)
                        .containsEntry("general.architecture", "llama")
                        .containsEntry("general.file_type", 1L)
                        .containsEntry("llama.block_count", 3L)
                        .containsEntry("llama.context_length", 512L)
                        .containsEntry("llama.embedding_length", 64L)
                        .containsEntry("llama.feed_forward_length", 192L)
                        .containsEntry("llama.attention.head_count", 4L)
                        .containsEntry("llama.attention.head_count_kv", 2L)
                        .containsEntry("llama.rope.dimension_count", 16L)
                        .containsEntry("llama.rope.freq_base", 500_000.0)
                        .containsEntry("llama.vocab_size", 512L);
                assertThat(file.find("output.weight"))
                        .as("the head is the embedding")
                        .isNull();
                assertThat(file.weight("rope_freqs.weight").columns()).isEqualTo(8);
                assertThat(file.weight("blk.0.attn_norm.weight").dtype()).isEqualTo(DType.F32);
                WeightData written = file.weight("blk.1.attn_q.weight");
                assertThat(written.dtype()).isEqualTo(DType.F16);
                // Row 1 of the first head is row 8 there: the second half of pair 0.
                float expected = Float.float16ToFloat(Float.floatToFloat16(query[8 * 64 + 5]));
                assertThat(Floats.of(written)[64 + 5]).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(WeightType.class)
    void everyTypeIsWrittenWithTheErrorThatItsBitsAllow(WeightType type) throws IOException {
        // A model as wide as a block of 256, with other random weights than the fixtures.
        Path wide = directory.resolve("wide.gguf");
        SyntheticShape shape = new SyntheticShape("wide", 256, 512, 2, 4, 2, 512, 64, 10_000, false, false);
        ModelSynthesizer.write(shape, WeightType.F32, 0.5, 11, wide, progress -> {});
        Path target = directory.resolve("target.gguf");
        try (ModelSource source = ModelSources.open(wide)) {
            ConversionReport report = convert(source, target, type);
            // Half a step of each type over the deviation of even weights, roughly.
            double bound = switch (type) {
                case F32 -> 0;
                case F16 -> 3e-4;
                case BF16 -> 3e-3;
                case Q8_0 -> 6e-3;
                case Q6_K -> 0.02;
                case Q4_K -> 0.08;
                case Q4_0 -> 0.09;
            };
            DType dtype = DType.valueOf(type.name());
            boolean fourBits = type == WeightType.Q4_0 || type == WeightType.Q4_K;
            try (ModelSource written = ModelSources.open(target)) {
                assertThat(written.get(WeightRole.UP, 1).dtype()).isEqualTo(dtype);
                assertThat(written.get(WeightRole.HEAD, 0).dtype()).isEqualTo(fourBits ? DType.Q6_K : dtype);
                assertThat(written.get(WeightRole.ROUTER, 1).dtype()).isEqualTo(DType.F32);
                assertThat(Floats.of(written.get(WeightRole.ROUTER, 1)))
                        .isEqualTo(Floats.of(source.get(WeightRole.ROUTER, 1)));
                for (ConvertedTensor tensor : report.tensors()) {
                    assertThat(tensor.relativeError()).as(tensor.name()).isLessThanOrEqualTo(bound);
                    if (!tensor.to().equals("F32")) {
                        assertThat(tensor.relativeError()).as(tensor.name()).isGreaterThan(bound / 20);
                    }
                }
                double up = error(Floats.of(source.get(WeightRole.UP, 1)), Floats.of(written.get(WeightRole.UP, 1)));
                ConvertedTensor told = report.tensors().stream()
                        .filter(tensor -> tensor.name().equals("blk.1.ffn_up.weight"))
                        .findFirst()
                        .orElseThrow();
                assertThat(told.relativeError()).isCloseTo(up, within(1e-9));
            }
        }
    }

    private static double error(float[] expected, float[] found) {
        double error = 0;
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            error += Math.pow((double) found[i] - expected[i], 2);
            sum += (double) expected[i] * expected[i];
        }
        return Math.sqrt(error / sum);
    }

    @Test
    void rowsThatAreNoWholeBlocksBecomeF16AndTheSummarySaysSo() {
        Path target = directory.resolve("q4k.gguf");
        try (ModelSource source = ModelSources.open(Fixtures.directory("llama2"))) {
            ConversionReport report = convert(source, target, WeightType.Q4_K);
            ConvertedTensor down = report.tensors().stream()
                    .filter(tensor -> tensor.name().equals("blk.0.ffn_down.weight"))
                    .findFirst()
                    .orElseThrow();
            assertThat(down.to()).isEqualTo("F16");
            assertThat(down.note()).isEqualTo("rows of 192 are not whole Q4_K blocks of 256");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = WeightType.class,
            names = {"Q8_0", "Q4_0", "BF16"})
    void theSameTypeCopiesBytes(WeightType type) {
        Path first = directory.resolve("first.gguf");
        Path second = directory.resolve("second.gguf");
        try (ModelSource source = ModelSources.open(Fixtures.directory("llama2"))) {
            convert(source, first, type);
        }
        try (ModelSource source = ModelSources.open(first)) {
            ConversionReport report = convert(source, second, type);
            assertThat(report.tensors()).allMatch(tensor -> tensor.relativeError() == 0);
        }
        try (GgufFile a = GgufFile.open(first);
                GgufFile b = GgufFile.open(second)) {
            assertThat(b.tensors())
                    .extracting(TensorInfo::name)
                    .isEqualTo(a.tensors().stream().map(TensorInfo::name).toList());
            for (TensorInfo tensor : a.tensors()) {
                TensorInfo other = b.find(tensor.name());
                assertThat(other.dtype()).isEqualTo(tensor.dtype());
                assertThat(b.bytes(other).mismatch(a.bytes(tensor)))
                        .as(tensor.name())
                        .isEqualTo(-1);
            }
            assertThat(b.metadata().values().keySet())
                    .isEqualTo(a.metadata().values().keySet());
        }
    }

    @Test
    void routingAndItsOriginGoThroughEveryFormat() {
        Path first = directory.resolve("first.gguf");
        Path second = directory.resolve("second.gguf");
        Path hub = directory.resolve("hub");
        try (ModelSource dense = ModelSources.open(Fixtures.directory("gemma3"))) {
            RoutedSource source =
                    new RoutedSource(dense, new Routing(32, 0.4f), Map.of("eta", 0.3, "data", "stories"), 5);
            convert(source, first, WeightType.F32);
            HubDirectoryWriter.write(source, hub, WeightType.F32, progress -> {});
            try (ModelSource written = ModelSources.open(first);
                    ModelSource directory = ModelSources.open(hub)) {
                assertSame(source, written);
                assertSame(source, directory);
                convert(written, second, WeightType.Q8_0);
                assertThat(directory.provenance()).containsOnly(Map.entry("eta", 0.3), Map.entry("data", "stories"));
            }
            try (ModelSource written = ModelSources.open(second)) {
                assertThat(written.config().routing()).isEqualTo(new Routing(32, 0.4f));
                assertThat(written.provenance())
                        .containsOnly(Map.entry("eta", (double) 0.3f), Map.entry("data", "stories"));
                assertThat(Floats.of(written.get(WeightRole.ROUTER, 2)))
                        .isEqualTo(Floats.of(source.get(WeightRole.ROUTER, 2)));
            }
        }
    }

    @Test
    void llama2cBecomesGgufWithItsTokenizer() throws IOException {
        Path file = ModelSourcesTest.llama2c(directory.resolve("stories.bin"), true);
        Files.copy(Fixtures.resource("token/tok512.bin"), directory.resolve("tokenizer.bin"));
        Path target = directory.resolve("stories.gguf");
        List<Progress> seen = new ArrayList<>();
        try (ModelSource source = ModelSources.open(file)) {
            ConversionReport report = ModelConverter.convert(source, target, WeightType.F32, seen::add);
            assertThat(report.notes()).isEmpty();
            try (ModelSource written = ModelSources.open(target)) {
                assertSame(source, written);
                String text = "Once upon a time, there was a little café.";
                assertThat(written.tokenizer().encode(text))
                        .isEqualTo(source.tokenizer().encode(text));
            }
        }
        assertThat(seen.getLast().done()).isEqualTo(seen.getLast().total());
    }

    @Test
    void tokensAreFilledUpToTheRowsOfTheEmbedding() throws IOException {
        Path hub = directory.resolve("hub");
        Files.createDirectory(hub);
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(Fixtures.directory("llama2").resolve(name), hub.resolve(name));
        }
        Files.copy(Fixtures.resource("token/tok105.model"), hub.resolve("tokenizer.model"));
        Files.writeString(hub.resolve("chat_template.jinja"), "{{ messages }}");
        Path target = directory.resolve("filled.gguf");
        try (ModelSource source = ModelSources.open(hub)) {
            convert(source, target, WeightType.F16);
            try (ModelSource written = ModelSources.open(target)) {
                assertThat(written.chatTemplate()).isEqualTo("{{ messages }}");
                assertThat(written.tokenizer().size()).isEqualTo(512);
                String text = "the cat sat on the mat";
                assertThat(written.tokenizer().encode(text))
                        .isEqualTo(source.tokenizer().encode(text));
            }
        }
    }

    /** A dense model with random routers. */
    private static final class RoutedSource implements ModelSource {
        private final ModelSource dense;
        private final Routing routing;
        private final Map<String, Object> provenance;
        private final Map<Integer, WeightData> routers = new HashMap<>();

        RoutedSource(ModelSource dense, Routing routing, Map<String, Object> provenance, long seed) {
            this.dense = dense;
            this.routing = routing;
            this.provenance = provenance;
            Random random = new Random(seed);
            for (int layer = 0; layer < dense.config().layers().size(); layer++) {
                byte[] bytes = new byte[4 * config().experts() * config().model()];
                ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
                while (buffer.hasRemaining()) {
                    buffer.putFloat((float) random.nextGaussian());
                }
                routers.put(
                        layer,
                        new WeightData(
                                "router",
                                DType.F32,
                                config().experts(),
                                config().model(),
                                MemorySegment.ofArray(bytes)));
            }
        }

        @Override
        public Path path() {
            return dense.path();
        }

        @Override
        public String name() {
            return dense.name();
        }

        @Override
        public ModelConfig config() {
            ModelConfig c = dense.config();
            return new ModelConfig(
                    c.architecture(),
                    c.model(),
                    c.ffn(),
                    c.heads(),
                    c.keyValueHeads(),
                    c.headSize(),
                    c.vocabulary(),
                    c.contextLength(),
                    c.norm(),
                    c.normPlacement(),
                    c.activation(),
                    c.gated(),
                    c.embeddingScale(),
                    c.positionOffset(),
                    c.ropes(),
                    c.attentionScale(),
                    c.attentionSoftcap(),
                    c.finalSoftcap(),
                    c.causal(),
                    c.classes(),
                    c.classLabels(),
                    c.layers(),
                    routing);
        }

        @Override
        public VocabularyTokenizer tokenizer() {
            return dense.tokenizer();
        }

        @Override
        public Map<String, Object> provenance() {
            return provenance;
        }

        @Override
        public WeightData find(WeightRole role, int layer) {
            return role == WeightRole.ROUTER ? routers.get(layer) : dense.find(role, layer);
        }

        @Override
        public void close() {}
    }
}
