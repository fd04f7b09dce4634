package dev.lte.core.baseline;

import static dev.lte.core.arch.WeightRole.DOWN;
import static dev.lte.core.arch.WeightRole.DOWN_BIAS;
import static dev.lte.core.arch.WeightRole.GATE;
import static dev.lte.core.arch.WeightRole.UP;
import static dev.lte.core.arch.WeightRole.UP_BIAS;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Kernels;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.layer.FeedForward;
import dev.lte.core.layer.Pass;
import dev.lte.core.layer.Transformer;
import dev.lte.core.train.Matrix;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A dense FFN in three products, whose hidden activations a {@link FfnVisitor} sees on the host, and may change, before the down
 * projection: {@code a = act(gate x) * (up x + upBias)}, {@code y = down visit(a) + downBias}. For calibration and oracles; slow
 * by design. One pass at a time; passes cannot be recorded.
 */
final class ObservedFfn implements FeedForward {
    private final ModelConfig config;
    private final @Nullable Tensor gate;
    private final Tensor up;
    private final @Nullable Tensor upBias;
    private final Tensor down;
    private final @Nullable Tensor downBias;
    private final Buffers buffers;
    private final FfnVisitor visitor;

    /** Memory that all layers share. */
    private static final class Buffers {
        private final int rows;
        private final Tensor gated;
        private final Tensor hidden;
        private final float[] hostInput;
        private final float[] hostGate;
        private final float[] hostHidden;

        Buffers(Backend backend, ModelConfig config, int rows) {
            this.rows = rows;
            gated = backend.allocate(DType.F32, config.gated() ? rows : 1, config.ffn());
            hidden = backend.allocate(DType.F32, rows, config.ffn());
            hostInput = new float[Math.multiplyExact(rows, config.model())];
            hostGate = new float[config.gated() ? Math.multiplyExact(rows, config.ffn()) : 0];
            hostHidden = new float[Math.multiplyExact(rows, config.ffn())];
        }
    }

    private ObservedFfn(ModelSource source, Backend backend, int layer, Buffers buffers, FfnVisitor visitor) {
        config = source.config();
        gate = config.gated() ? matrix(source.get(GATE, layer), backend) : null;
        up = matrix(source.get(UP, layer), backend);
        down = matrix(source.get(DOWN, layer), backend);
        upBias = vector(source, UP_BIAS, layer, backend);
        downBias = vector(source, DOWN_BIAS, layer, backend);
        this.buffers = buffers;
        this.visitor = visitor;
    }

    /**
     * The transformer with observed FFNs in all its blocks.
     *
     * @param source whose weights the transformer has
     * @param rows of the largest pass
     */
    static Transformer observe(
            Transformer transformer, ModelSource source, Backend backend, int rows, FfnVisitor visitor) {
        Buffers buffers = new Buffers(backend, transformer.config(), rows);
        List<ObservedFfn> ffns = new ArrayList<>();
        for (int layer = 0; layer < transformer.blocks().size(); layer++) {
            ffns.add(new ObservedFfn(source, backend, layer, buffers, visitor));
        }
        return transformer.withFfns(ffns::get);
    }

    private static Tensor matrix(WeightData weight, Backend backend) {
        return backend.weight(
                backend.supportsWeight(weight.dtype())
                        ? weight
                        : Matrix.of(weight).weight(weight.name()));
    }

    private static @Nullable Tensor vector(ModelSource source, WeightRole role, int layer, Backend backend) {
        WeightData weight = source.find(role, layer);
        return weight == null ? null : backend.weight(Matrix.of(weight).weight(weight.name()));
    }

    @Override
    public boolean isRecordable() {
        return false;
    }

    @Override
    public void forward(Kernels kernels, Pass pass, int layer, Tensor out, Tensor in, Write write) {
        if (!(kernels instanceof KernelQueue queue)) {
            throw new IllegalStateException("observing activations needs a queue to read them from");
        }
        int rows = in.rows();
        if (rows > buffers.rows) {
            throw new IllegalStateException("expected passes of at most " + buffers.rows + " rows, found " + rows);
        }
        Tensor hidden = buffers.hidden.rowRange(0, rows);
        queue.linear(hidden, in, up, upBias, Write.SET);
        if (gate == null) {
            queue.activate(hidden, config.activation());
            queue.read(hidden, buffers.hostHidden);
        } else {
            Tensor gated = buffers.gated.rowRange(0, rows);
            queue.linear(gated, in, gate, null, Write.SET);
            queue.activate(gated, config.activation());
            queue.read(gated, buffers.hostGate);
            queue.read(hidden, buffers.hostHidden);
            for (int i = 0; i < rows * config.ffn(); i++) {
                buffers.hostHidden[i] *= buffers.hostGate[i];
            }
        }
        queue.read(in, buffers.hostInput);
        visitor.visit(new FfnActivations(
                layer,
                rows,
                buffers.hostInput,
                gate == null ? null : buffers.hostGate,
                buffers.hostHidden,
                config.model(),
                config.ffn()));
        queue.write(hidden, buffers.hostHidden);
        queue.linear(out, hidden, down, downBias, write);
    }
}
