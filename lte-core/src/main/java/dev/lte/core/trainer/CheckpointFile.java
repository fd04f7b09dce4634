package dev.lte.core.trainer;

import dev.lte.ModelFormatException;
import dev.lte.backend.DType;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.safetensors.SafetensorsFile;
import dev.lte.core.format.safetensors.SafetensorsWriter;
import dev.lte.core.train.Matrix;
import dev.lte.core.train.Parameters;
import dev.lte.core.train.WeightValues;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint: one safetensors file with all parameters in F32, the moments of the optimiser, and the {@link RunState} as JSON
 * in its metadata. It stands beside its name until it is complete and on the disk, and has a check sum of itself.
 */
final class CheckpointFile implements WeightValues, AutoCloseable {
    private static final String KEY = "lte.checkpoint";
    private static final String CHECKSUM = "lte.crc32c";
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final SafetensorsFile file;
    private final RunState state;
    private final Map<String, String> plan;

    private CheckpointFile(SafetensorsFile file, RunState state, Map<String, String> plan) {
        this.file = file;
        this.state = state;
        this.plan = plan;
    }

    /**
     * @param moments whether the optimiser's state is written too
     * @param layers of the model
     */
    static void write(
            Path target, RunState state, Map<String, String> plan, Parameters parameters, int layers, boolean moments) {
        List<SafetensorsWriter.Entry> entries = new ArrayList<>();
        for (Parameters.Slot slot :
                moments ? Parameters.Slot.values() : new Parameters.Slot[] {Parameters.Slot.MASTER}) {
            for (WeightRole role : WeightRole.values()) {
                for (int layer = 0; layer < (role.perLayer() ? layers : 1); layer++) {
                    int[] shape = parameters.shape(role, layer);
                    if (shape != null) {
                        entries.add(entry(slot, role, layer, shape, parameters));
                    }
                }
            }
        }
        SafetensorsWriter.writeWithChecksum(target, Map.of(KEY, StateJson.write(state, plan)), entries, CHECKSUM);
    }

    private static SafetensorsWriter.Entry entry(
            Parameters.Slot slot, WeightRole role, int layer, int[] shape, Parameters parameters) {
        return new SafetensorsWriter.Entry(
                name(slot, role, layer), DType.F32, List.of((long) shape[0], (long) shape[1]), sink -> {
                    Matrix values = parameters.value(slot, role, layer);
                    if (values != null) {
                        sink.write(bytes(values.values()));
                    }
                });
    }

    private static MemorySegment bytes(float[] values) {
        byte[] bytes = new byte[Math.multiplyExact(values.length, 4)];
        MemorySegment segment = MemorySegment.ofArray(bytes);
        MemorySegment.copy(values, 0, segment, FLOAT, 0, values.length);
        return segment;
    }

    private static String name(Parameters.Slot slot, WeightRole role, int layer) {
        return slot + "/" + role + "/" + layer;
    }

    /** @throws ModelFormatException if it is no complete checkpoint, or is damaged */
    @SuppressWarnings("MustBeClosedChecker") // Closed with the checkpoint.
    static CheckpointFile open(Path path) {
        if (!(SafetensorsFile.open(path) instanceof SafetensorsFile file)) {
            throw new IllegalArgumentException(path + " is a directory");
        }
        try {
            file.requireChecksum(CHECKSUM);
            String json = file.metadata().get(KEY);
            if (json == null) {
                throw new ModelFormatException(
                        path, "metadata", ModelFormatException.NO_OFFSET, "the state of a training run", "none");
            }
            Map<String, String> plan = new LinkedHashMap<>();
            return new CheckpointFile(file, StateJson.read(json, path, plan), plan);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    Path path() {
        return file.path();
    }

    RunState state() {
        return state;
    }

    /** The digest of the plan that it belongs to. */
    Map<String, String> plan() {
        return plan;
    }

    @Override
    public @Nullable Matrix find(WeightRole role, int layer) {
        return find(Parameters.Slot.MASTER, role, layer);
    }

    private @Nullable Matrix find(Parameters.Slot slot, WeightRole role, int layer) {
        TensorInfo tensor = file.find(name(slot, role, layer));
        if (tensor == null) {
            return null;
        }
        if (tensor.dtype() != DType.F32) {
            throw new ModelFormatException(
                    file.path(),
                    tensor.name(),
                    ModelFormatException.NO_OFFSET,
                    "F32",
                    tensor.dtype().toString());
        }
        float[] values = new float[Math.toIntExact(tensor.rows() * tensor.columns())];
        MemorySegment.copy(file.bytes(tensor), FLOAT, 0, values, 0, values.length);
        return new Matrix(Math.toIntExact(tensor.rows()), Math.toIntExact(tensor.columns()), values);
    }

    /**
     * Overwrites parameters with what is in this file.
     *
     * @param moments whether the optimiser's state is read too
     * @throws ModelFormatException if a tensor is missing or of another shape
     */
    void restore(Parameters parameters, int layers, boolean moments) {
        for (Parameters.Slot slot :
                moments ? Parameters.Slot.values() : new Parameters.Slot[] {Parameters.Slot.MASTER}) {
            for (WeightRole role : WeightRole.values()) {
                for (int layer = 0; layer < (role.perLayer() ? layers : 1); layer++) {
                    int[] shape = parameters.shape(role, layer);
                    if (shape != null) {
                        parameters.set(slot, role, layer, require(slot, role, layer, shape));
                    }
                }
            }
        }
    }

    private Matrix require(Parameters.Slot slot, WeightRole role, int layer, int[] shape) {
        Matrix found = find(slot, role, layer);
        if (found == null || found.rows() != shape[0] || found.columns() != shape[1]) {
            throw new ModelFormatException(
                    file.path(),
                    name(slot, role, layer),
                    ModelFormatException.NO_OFFSET,
                    shape[0] + " x " + shape[1],
                    found == null ? "none" : found.rows() + " x " + found.columns());
        }
        return found;
    }

    @Override
    public void close() {
        file.close();
    }
}
