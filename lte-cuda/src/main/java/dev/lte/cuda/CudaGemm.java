package dev.lte.cuda;

import dev.lte.backend.Activation;
import dev.lte.backend.DType;
import dev.lte.backend.FfnSpec;
import java.util.Set;
import org.bytedeco.cuda.cudart.CUtensorMap;

/**
 * Launches {@code gemm.cu}: the products of feed-forward blocks of many rows, whose weights and results need no pass of their own, on
 * devices with Hopper's matrix instructions. Plain products are cuBLAS's.
 */
final class CudaGemm {
    private static final int TILE_ROWS = 128;
    private static final int TILE_OUTPUTS = 256;
    private static final int STAGES = 4;

    /** The stages' tiles, a warpgroup's boxes to be written, and what makes the first a multiple of 1,024. */
    static final int SHARED_BYTES = STAGES * 64 * 2 * (TILE_ROWS + TILE_OUTPUTS) + 4 * 64 * 128 + 1024;

    /** Share of what the multiprocessors could do from which these tiles, larger than cuBLAS's for few rows, are faster. */
    private static final double LEAST_BUSY = 0.8;

    /** Columns of a row of a box. */
    private static final int DEPTH = 64;

    /** What the kernels of neurons are made for. */
    private static final Set<Integer> GATED_SIZES = Set.of(16, 32, 64, 128);

    private static final Set<Activation> GATED_ACTIVATIONS = Set.of(Activation.SILU, Activation.GELU_TANH);
    private static final Set<Activation> PLAIN_ACTIVATIONS =
            Set.of(Activation.GELU, Activation.GELU_TANH, Activation.RELU);

    private final CudaModule module;
    private final CudaLaunch launch;
    private final int processors;
    private final boolean usable;
    private final CudaTiles tiles = new CudaTiles();

    CudaGemm(CudaModule module, CudaLaunch launch, CudaContext context) {
        this.module = module;
        this.launch = launch;
        processors = context.multiprocessors();
        usable = context.architecture() == CudaModule.WGMMA_ARCHITECTURE && processors > 1;
    }

    /** Whether tiles of such a product keep the device busy. */
    private boolean fills(int rows, int outputs) {
        long pairs = Math.ceilDiv(rows, 2 * TILE_ROWS) * (long) Math.ceilDiv(outputs, TILE_OUTPUTS);
        double useful = (double) rows * outputs / TILE_ROWS / TILE_OUTPUTS;
        return usable && useful >= LEAST_BUSY * Math.ceilDiv(2 * pairs, processors) * processors;
    }

    /** Whether {@link #neurons} takes experts of these shapes; their weight must be aligned BF16. */
    boolean takesNeurons(FfnSpec spec, int outputs, int rows) {
        boolean made = spec.gated()
                ? GATED_SIZES.contains(spec.expertSize()) && GATED_ACTIVATIONS.contains(spec.activation())
                : PLAIN_ACTIVATIONS.contains(spec.activation());
        return made && fills(rows, outputs) && spec.neurons() % 8 == 0;
    }

    /**
     * The hidden activations (T, F) in BF16.
     *
     * @param active address of (T, N) bytes that are 0 where an expert is off, or 0
     */
    void neurons(long hidden, CudaTensor x, FfnSpec spec, Segment inner, long bias, long active) {
        launch.structure();
        x(x, spec.model());
        tiles.rows(
                launch.map(),
                DType.BF16,
                inner.address(),
                inner.rows(),
                spec.model(),
                inner.stride(),
                TILE_ROWS,
                DEPTH);
        tiles.rows(launch.map(), DType.BF16, hidden, x.rows(), spec.neurons(), 2L * spec.neurons(), 64, 64);
        String name = (spec.gated() ? "gemmNeurons_" + spec.expertSize() : "gemmPlain") + "_" + spec.activation();
        run(name, x.rows(), inner.rows(), spec.model(), bias, active, 0, spec.experts(), spec.expertSize());
    }

    /** Whether {@link #down} takes these experts. */
    boolean takesDown(CudaTensor y, CudaFfn ffn) {
        Segment outer = ffn.outer();
        return fills(y.rows(), ffn.spec().model())
                && outer.dtype() == DType.BF16
                && outer.isAligned()
                && ffn.spec().expertSize() % 32 == 0
                && y.isAligned();
    }

    /** The down projection of hidden activations (T, F) in BF16. */
    void down(CudaTensor y, CudaTensor hidden, CudaFfn ffn, int mode) {
        FfnSpec spec = ffn.spec();
        launch.structure();
        x(hidden, spec.neurons());
        tiles.experts(launch.map(), ffn.outer(), spec.experts(), spec.model(), spec.expertSize(), TILE_ROWS);
        sums(y);
        run(
                "gemmExperts",
                y.rows(),
                spec.model(),
                spec.neurons(),
                ffn.downBias(),
                0,
                mode,
                spec.experts(),
                spec.expertSize());
    }

    private void x(CudaTensor x, int inner) {
        tiles.rows(launch.map(), DType.BF16, x.address(), x.rows(), inner, 2 * x.stride(), TILE_ROWS, DEPTH);
    }

    private void sums(CudaTensor out) {
        CUtensorMap map = launch.map();
        tiles.rows(map, DType.F32, out.address(), out.rows(), out.columns(), 4 * out.stride(), 64, 32);
    }

    private void run(
            String name,
            int rows,
            int outputs,
            int inner,
            long bias,
            long active,
            int mode,
            int experts,
            int expertSize) {
        launch.field(bias).field(active).field(rows).field(outputs).field(inner).field(mode);
        launch.field(experts).field(expertSize);
        launch.runDependent(module.function(name), processors / 2 * 2, 1, 1, 384, SHARED_BYTES);
    }
}
