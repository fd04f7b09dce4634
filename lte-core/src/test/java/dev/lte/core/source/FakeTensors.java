package dev.lte.core.source;

import dev.lte.backend.DType;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.source.RoleNeeds.Need;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tensors that exist in memory only. */
final class FakeTensors implements TensorFile {
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Map<String, MemorySegment> bytes = new LinkedHashMap<>();
    boolean closed;

    FakeTensors put(String name, DType dtype, Long... shape) {
        long elements = 1;
        for (long size : shape) {
            elements *= size;
        }
        long size = dtype.byteSize(elements);
        tensors.put(name, new TensorInfo(name, dtype, List.of(shape), 64L * tensors.size(), size));
        bytes.put(name, Arena.ofAuto().allocate(Math.max(1, size)).asSlice(0, size));
        return this;
    }

    FakeTensors put(String name, float... values) {
        put(name, DType.F32, (long) values.length);
        MemorySegment.copy(values, 0, bytes(info(name)), ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
        return this;
    }

    FakeTensors remove(String name) {
        tensors.remove(name);
        return this;
    }

    TensorInfo info(String name) {
        TensorInfo info = find(name);
        if (info == null) {
            throw new IllegalArgumentException("no tensor " + name);
        }
        return info;
    }

    /** The tensors that a model needs, F32 and zero. */
    static FakeTensors of(SourceModel model, TensorNames names) {
        ModelConfig config = model.config();
        FakeTensors tensors = new FakeTensors();
        for (WeightRole role : WeightRole.values()) {
            if (model.needs().of(role) != Need.REQUIRED) {
                continue;
            }
            for (int layer = 0; layer < (role.perLayer() ? config.layers().size() : 1); layer++) {
                tensors.add(role, layer, config, names);
            }
        }
        return tensors;
    }

    private void add(WeightRole role, int layer, ModelConfig config, TensorNames names) {
        String name = names.name(role, layer);
        List<WeightRole> parts = List.of(role);
        for (TensorNames.Fused fused : names.fused()) {
            if (fused.parts().contains(role)
                    && (names.names().get(fused.parts().getFirst()) == null
                            || fused.name().contains("_proj"))) {
                name = fused.name(layer);
                parts = fused.parts();
            }
        }
        if (name == null) {
            throw new IllegalStateException(role + " has no name");
        }
        long rows = 0;
        long columns = 0;
        for (WeightRole part : parts) {
            List<Long> shape = WeightShapes.of(part, config);
            rows += Math.max(1, shape.get(0));
            columns = WeightShapes.isVector(role) ? columns + shape.get(1) : shape.get(1);
        }
        if (WeightShapes.isVector(role)) {
            put(name, DType.F32, columns);
        } else if (names.transposed().contains(role)) {
            put(name, DType.F32, columns, rows);
        } else {
            put(name, DType.F32, rows, columns);
        }
    }

    @Override
    public Path path() {
        return Path.of("fake");
    }

    @Override
    public String format() {
        return "fake";
    }

    @Override
    public List<TensorInfo> tensors() {
        return new ArrayList<>(tensors.values());
    }

    @Override
    public @Nullable TensorInfo find(String name) {
        return tensors.get(name);
    }

    @Override
    public MemorySegment bytes(TensorInfo tensor) {
        MemorySegment segment = bytes.get(tensor.name());
        if (segment == null) {
            throw new IllegalArgumentException(tensor.name());
        }
        return segment;
    }

    @Override
    public void close() {
        closed = true;
    }
}
