package dev.lte.core.golden;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.TensorBody;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.safetensors.SafetensorsFile;
import dev.lte.core.format.safetensors.SafetensorsWriter;
import dev.lte.core.source.ModelSources;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.train.Matrix;
import dev.lte.core.train.RoutedValues;
import dev.lte.core.train.TrainingBatch;
import dev.lte.core.train.TrainingModel;
import dev.lte.core.train.TrainingOptions;
import dev.lte.core.train.WeightValues;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model with routers and what training it must yield: config.json and model.safetensors as on the hub, golden.safetensors and
 * golden.json. Neurons are in the model's own order there; here they are in that of experts, which are numbered as
 * {@link Grouping} does.
 */
final class LteFixture implements AutoCloseable {
    private static final int TOKENS = 24;

    private final Path directory;
    private final Path temporary;
    private final ModelSource source;
    private final TensorFile golden;
    private final JsonNode numbers;
    private final List<Grouping> groupings = new ArrayList<>();
    /** Per layer, the golden's number of each of our experts. */
    private final List<int[]> experts = new ArrayList<>();

    private LteFixture(Path directory, Path temporary, ModelSource source, TensorFile golden, JsonNode numbers) {
        this.directory = directory;
        this.temporary = temporary;
        this.source = source;
        this.golden = golden;
        this.numbers = numbers;
        for (int layer = 0; layer < source.config().layers().size(); layer++) {
            int[] given = integers("lte.expert_of_neuron." + layer);
            Grouping grouping = Grouping.of(given, numbers.get("expert_size").asInt());
            int[] expert = new int[grouping.experts()];
            for (int neuron = 0; neuron < given.length; neuron++) {
                expert[grouping.expertOf(neuron)] = given[neuron];
            }
            groupings.add(grouping);
            experts.add(expert);
        }
    }

    static LteFixture open(Path directory, Path temporary) {
        return new LteFixture(
                directory,
                temporary,
                ModelSources.open(directory),
                SafetensorsFile.open(directory.resolve("golden.safetensors")),
                new JsonMapper().readTree(directory.resolve("golden.json").toFile()));
    }

    float number(String name) {
        return (float) numbers.get(name).asDouble();
    }

    float threshold() {
        return number("tau");
    }

    RoutingLossSpec routing() {
        return new RoutingLossSpec(RoutingLossSpec.Efficiency.SQUARED, threshold(), number("sep_guard"));
    }

    /** Numbers of each step. */
    List<double[]> steps(String stage) {
        List<double[]> steps = new ArrayList<>();
        for (JsonNode step : numbers.get(stage)) {
            steps.add(IntStream.range(0, step.size())
                    .mapToDouble(i -> step.get(i).asDouble())
                    .toArray());
        }
        return steps;
    }

    /** With neurons in the order of experts and with routers. */
    WeightValues weights() {
        return decoded(new RoutedValues(WeightValues.of(source), groupings, routers("lte.router.")));
    }

    TrainingModel model(Backend backend, KernelQueue queue, WeightValues weights) {
        ModelConfig.Routing routing =
                new ModelConfig.Routing(numbers.get("expert_size").asInt(), threshold());
        // Seven rows of logits at a time, so that chunks are exercised.
        TrainingOptions options = new TrainingOptions(DType.F32, 2 * TOKENS, 2, TOKENS, 7);
        return new TrainingModel(source.config().withRouting(routing), weights, backend, queue, options);
    }

    private List<Matrix> routers(String prefix) {
        List<Matrix> routers = new ArrayList<>();
        for (int layer = 0; layer < groupings.size(); layer++) {
            float[] given = floats(prefix + layer + ".weight");
            int count = groupings.get(layer).experts();
            int columns = given.length / count;
            float[] rows = new float[given.length];
            for (int g = 0; g < count; g++) {
                System.arraycopy(given, experts.get(layer)[g] * columns, rows, g * columns, columns);
            }
            routers.add(new Matrix(count, columns, rows));
        }
        return routers;
    }

    /** Every position predicts the next one of its sequence; or every sequence its class. */
    TrainingBatch batch() {
        int[] ids = integers("input_ids");
        int[] starts = IntStream.rangeClosed(0, ids.length / TOKENS)
                .map(b -> b * TOKENS)
                .toArray();
        if (source.config().classes() > 0) {
            int[] labels = integers("labels");
            float[] weights = new float[labels.length];
            Arrays.fill(weights, 1f / labels.length);
            return new TrainingBatch(ids, starts, labels, weights, 1f / ids.length);
        }
        int[] targets = new int[ids.length];
        float[] weights = new float[ids.length];
        int counted = ids.length - (starts.length - 1);
        for (int t = 0; t < ids.length; t++) {
            boolean last = t % TOKENS == TOKENS - 1;
            targets[t] = last ? -1 : ids[t + 1];
            weights[t] = last ? 0 : 1f / counted;
        }
        return new TrainingBatch(ids, starts, targets, weights, 1f / ids.length);
    }

    /** Scores of a layer (T, N) with our numbers of experts. */
    float[] scores(int layer) {
        float[] all = floats("soft.scores");
        int size = all.length / groupings.size();
        int[] expert = experts.get(layer);
        float[] scores = new float[size];
        for (int i = 0; i < size; i++) {
            int row = i / expert.length * expert.length;
            scores[i] = all[layer * size + row + expert[i % expert.length]];
        }
        return scores;
    }

    /** The golden gradients, read as if they were the weights of a model, so that they are taken apart like those. */
    WeightValues gradients(String prefix) {
        String start = prefix + ".grad.";
        Path target = temporary.resolve(directory.getFileName() + "-" + prefix);
        List<SafetensorsWriter.Entry> entries = new ArrayList<>();
        for (TensorInfo tensor : golden.tensors()) {
            if (tensor.name().startsWith(start) && !tensor.name().contains("lte.router")) {
                entries.add(new SafetensorsWriter.Entry(
                        tensor.name().substring(start.length()),
                        tensor.dtype(),
                        tensor.shape(),
                        TensorBody.of(golden.bytes(tensor))));
            }
        }
        try {
            Files.createDirectories(target);
            Files.copy(directory.resolve("config.json"), target.resolve("config.json"));
            SafetensorsWriter.write(target.resolve("model.safetensors"), Map.of(), entries, progress -> {});
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<Matrix> routers = golden.find(start + "lte.router.0.weight") == null
                ? groupings.stream().map(g -> new Matrix(1, 1, new float[1])).toList()
                : routers(start + "lte.router.");
        try (ModelSource gradients = ModelSources.open(target)) {
            return decoded(new RoutedValues(WeightValues.of(gradients), groupings, routers));
        }
    }

    /** All at once, so that files are read no longer. */
    private WeightValues decoded(WeightValues values) {
        Map<String, Matrix> all = new HashMap<>();
        for (WeightRole role : WeightRole.values()) {
            for (int layer = 0; layer < (role.perLayer() ? groupings.size() : 1); layer++) {
                Matrix matrix = values.find(role, layer);
                if (matrix != null) {
                    all.put(role + " " + layer, matrix);
                }
            }
        }
        return (role, layer) -> all.get(role + " " + layer);
    }

    float[] floats(String name) {
        return golden.bytes(find(name)).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
    }

    private int[] integers(String name) {
        return golden.bytes(find(name)).toArray(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
    }

    private TensorInfo find(String name) {
        TensorInfo tensor = golden.find(name);
        if (tensor == null) {
            throw new AssertionError("golden.safetensors has no " + name);
        }
        return tensor;
    }

    @Override
    public void close() {
        source.close();
        golden.close();
    }
}
