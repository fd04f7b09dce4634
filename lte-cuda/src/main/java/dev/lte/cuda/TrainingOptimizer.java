package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import dev.lte.backend.AdamWSpec;
import java.util.List;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.jspecify.annotations.Nullable;

/**
 * The norm of gradients and AdamW, over many matrices in one launch: their addresses travel as one large argument of the kernel
 * (structures as in train_optimizer.cu), so that a recording holds them and nothing has to be kept on the device.
 */
final class TrainingOptimizer implements AutoCloseable {
    private static final int MOST_GRADIENTS = 100;
    private static final int GRADIENT_BYTES = 32;
    private static final int SQUARES_CHUNK = 16_384;

    private static final int MOST_PARAMETERS = 40;
    private static final int PARAMETER_BYTES = 96;
    private static final int ADAM_CHUNK = 4096;

    private static final int THREADS = 256;

    private final TrainingLaunch kernels;
    private final BytePointer table = new BytePointer((long) MOST_PARAMETERS * PARAMETER_BYTES);
    private final LongPointer values = new LongPointer(8);
    private final PointerPointer<Pointer> arguments = new PointerPointer<>(8);

    TrainingOptimizer(TrainingLaunch kernels) {
        this.kernels = kernels;
        arguments.put(0, table);
        for (int i = 1; i < 8; i++) {
            arguments.put(i, values.getPointer(i));
        }
    }

    /** A parameter's tensors, checked to be this backend's. */
    record State(
            CudaTensor master, @Nullable CudaTensor copy, CudaTensor gradient, CudaTensor mean, CudaTensor square) {}

    /** {@code sum += } all squares; every block leaves its part. */
    void addSquares(CudaTensor sum, List<CudaTensor> tensors) {
        long blocks = 0;
        for (CudaTensor tensor : tensors) {
            blocks += blocks(tensor, SQUARES_CHUNK);
        }
        if (blocks == 0) {
            return;
        }
        long parts = kernels.scratch(4 * blocks);
        CUfunc_st function = kernels.module().function("trainSquares");
        int count = 0;
        int used = 0;
        long done = 0;
        for (int i = 0; i < tensors.size(); i++) {
            CudaTensor tensor = tensors.get(i);
            if (tensor.rows() > 0 && tensor.columns() > 0) {
                long at = (long) count++ * GRADIENT_BYTES;
                table.putLong(at, tensor.address()).putLong(at + 8, tensor.stride());
                table.putInt(at + 16, tensor.rows()).putInt(at + 20, tensor.columns());
                table.putInt(at + 24, used).putInt(at + 28, isWhole(tensor) ? 1 : 0);
                used += blocks(tensor, SQUARES_CHUNK);
            }
            if (count == MOST_GRADIENTS || i + 1 == tensors.size() && count > 0) {
                values.put(1, count);
                values.put(2, parts + 4 * done);
                run(function, used);
                done += used;
                count = 0;
                used = 0;
            }
        }
        kernels.addLosses(sum, parts, 1, Math.toIntExact(blocks));
    }

    void clipFactor(CudaTensor factor, CudaTensor squares, float maxNorm) {
        kernels.start().put(factor.address()).put(squares.address()).put(maxNorm);
        kernels.run("trainClip", 1, 1, 1, 1);
    }

    void adamW(List<State> states, CudaTensor factor, CudaTensor settings, AdamWSpec spec) {
        CUfunc_st function = kernels.module().function("trainAdamW");
        int count = 0;
        int used = 0;
        for (int i = 0; i < states.size(); i++) {
            State state = states.get(i);
            CudaTensor master = state.master();
            if (master.rows() > 0 && master.columns() > 0) {
                put(count++, state, used);
                used += blocks(master, ADAM_CHUNK);
            }
            if (count == MOST_PARAMETERS || i + 1 == states.size() && count > 0) {
                values.put(1, count);
                values.put(2, factor.address());
                values.put(3, settings.address());
                values.put(4, Float.floatToRawIntBits(spec.beta1()) & 0xffff_ffffL);
                values.put(5, Float.floatToRawIntBits(spec.beta2()) & 0xffff_ffffL);
                values.put(6, Float.floatToRawIntBits(spec.epsilon()) & 0xffff_ffffL);
                values.put(7, Float.floatToRawIntBits(spec.weightDecay()) & 0xffff_ffffL);
                run(function, used);
                count = 0;
                used = 0;
            }
        }
    }

    private void put(int index, State state, int firstBlock) {
        long at = (long) index * PARAMETER_BYTES;
        CudaTensor copy = state.copy();
        CudaTensor[] tensors = {state.master(), copy, state.gradient(), state.mean(), state.square()};
        boolean whole = true;
        for (int i = 0; i < tensors.length; i++) {
            CudaTensor tensor = tensors[i];
            table.putLong(at + 8L * i, tensor == null ? 0 : tensor.address());
            table.putLong(at + 40 + 8L * i, tensor == null ? 0 : tensor.stride());
            whole &= tensor == null || isWhole(tensor);
        }
        table.putInt(at + 80, state.master().rows())
                .putInt(at + 84, state.master().columns());
        table.putInt(at + 88, firstBlock).putInt(at + 92, whole ? 1 : 0);
    }

    private void run(CUfunc_st function, int blocks) {
        check(
                "cuLaunchKernel",
                cudart.cuLaunchKernel(function, blocks, 1, 1, THREADS, 1, 1, 0, kernels.stream(), arguments, null));
    }

    private static int blocks(CudaTensor tensor, int chunk) {
        return TrainingLaunch.blocks((long) tensor.rows() * tensor.columns(), chunk);
    }

    /** Without gaps, and aligned for four elements at once. */
    private static boolean isWhole(CudaTensor tensor) {
        return (tensor.rows() == 1 || tensor.stride() == tensor.columns()) && tensor.address() % 16 == 0;
    }

    /** Launches copy their arguments, so nothing refers to this any more. */
    @Override
    public void close() {
        table.close();
        values.close();
        arguments.close();
    }
}
